// How stories are told: what goes wrong in one, the order that most of them are about, and how time passes in it.
import type { Actor } from "./actors.ts";
import type { Fault } from "./faults.ts";
import type { Submission } from "./requests.ts";
import type { World } from "./world.ts";

export type Scenario = {
  /** These strike whenever they can, until the story heals them. */
  faults?: readonly Fault[];
  story: (world: World) => Promise<void>;
  /** Everything works again in the end, and nothing may stay open. */
  isSettled?: boolean;
};

export const COMMAND = /^\{"type":"command"/;
export const RESULT = /^\{"type":"result"/;
export const WELCOME = /^\{"type":"welcome"/;

export function order(world: World): Submission {
  const actor = world.actors[0] as Actor;
  const params = { symbol: "EURUSD", order_type: "buy" as const, volume: 0.01 };
  return { actor, request: { kind: "trade", params }, key: "first", timeoutMs: 25_000 };
}

export function pass(world: World, ms: number): Promise<void> {
  return world.loop.run(world.loop.now + ms);
}

/** Lets time pass until the request is answered, at most for a minute. */
export async function ended<T>(world: World, request: Promise<T>): Promise<T | undefined> {
  let answer: T | undefined;
  let isAnswered = false;
  void request.then((value) => {
    answer = value;
    isAnswered = true;
  });
  await world.loop.run(world.loop.now + 60_000, () => isAnswered);
  return answer;
}
