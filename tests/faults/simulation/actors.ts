// Who is in a run: users, their accounts, and what each of them knows of a password.
import type { AccountRef } from "../../../bridge-worker/src/protocol.ts";
import { tradingPassword } from "../../../bridge-worker/src/simulator/mod.ts";
import type { Random } from "./random.ts";

export const HEDGING = "Switchyard-Demo";
export const NETTING = "Switchyard-Netting";

export type Actor = { userId: string; account: AccountRef; isRight: boolean };

export function passwordOf({ login }: AccountRef, isRight: boolean): string {
  return isRight ? tradingPassword(login) : `wrong-${login}`;
}

/** Two who share an account, one with the same login at another server, and a stranger who knows a login alone. */
export function actorsOf(random: Random): Actor[] {
  const [alice, bob, mallory] = [random.uuid(), random.uuid(), random.uuid()];
  return [
    { userId: alice, account: { login: "5000001", server: HEDGING }, isRight: true },
    { userId: bob, account: { login: "5000001", server: HEDGING }, isRight: true },
    { userId: bob, account: { login: "5000001", server: NETTING }, isRight: true },
    { userId: alice, account: { login: "5000002", server: NETTING }, isRight: true },
    { userId: alice, account: { login: "5000003", server: HEDGING }, isRight: true },
    { userId: mallory, account: { login: "5000001", server: HEDGING }, isRight: false },
  ];
}
