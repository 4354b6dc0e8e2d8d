// The whole stack on a real RPyC server: two users at once on one terminal, and none ever executes on the other's account.
// Once with RPyC 5 as it is, once through a proxy that speaks the wire of RPyC 6.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type BrokerDouble, startBrokerDouble } from "../support/broker-double.ts";
import { startDialectProxy } from "../support/dialect-proxy.ts";
import { requirePython } from "../support/python.ts";
import { startTestStack, type TestStack } from "../support/stack.ts";
import { signUp, type Trader } from "../support/trader.ts";

const skip = requirePython() ?? false;
const COMMANDS = 200;
const ALPHA = "Alpha-Demo";

type Player = { trader: Trader; accountId: string; login: string; opened: string[] };

for (const wire of ["RPyC 5", "RPyC 6"] as const) {
  describe(`the stack on a terminal that speaks ${wire}`, { skip }, () => {
    let double: BrokerDouble;
    let proxy: Awaited<ReturnType<typeof startDialectProxy>> | undefined;
    let stack: TestStack;

    before(async () => {
      double = await startBrokerDouble();
      proxy = wire === "RPyC 6" ? await startDialectProxy({ host: double.host, port: double.port }) : undefined;
      const { host, port } = proxy ?? double;
      stack = await startTestStack({ terminals: `${host}:${port}` });
    });
    after(async () => {
      await stack?.stop();
      await proxy?.stop();
      await double?.stop();
    });

    async function join(name: string, login: string, password: string): Promise<Player> {
      const trader = await signUp(stack.info, name);
      const body = { account_name: name, login, password, server: ALPHA };
      const connected = await trader.post("/accounts/connect", body);
      assert.equal(connected.status, 201, connected.text);
      const accountId = connected.body.account_id;
      assert.equal((await trader.post(`/accounts/${accountId}/switch`)).status, 200);
      return { trader, accountId, login, opened: [] };
    }

    /** One of the mixed commands and reads; each answer must be about the player's own account. */
    async function play(player: Player, turn: number): Promise<number> {
      const { trader } = player;
      const order = { symbol: "EURUSD", order_type: turn % 2 ? "buy" : "sell", volume: 0.01, timeout_ms: 25_000 };
      if (turn % 5 === 3 && player.opened.length > 0) {
        const closed = await trader.post(`/positions/${player.opened.pop()}/close`, { timeout_ms: 25_000 });
        assert.equal(closed.status, 200, closed.text);
        return 1;
      }
      if (turn % 5 === 4) {
        const info = await trader.get("/account/info?max_age_ms=0");
        assert.equal(info.status, 200, info.text);
        assert.equal(info.body.login, player.login);
        return 0;
      }
      const done = await trader.post("/trades", order);
      assert.equal(done.status, 200, done.text);
      assert.equal(done.body.account.login, player.login);
      player.opened.push(done.body.result.position_ticket);
      return 1;
    }

    it(`runs ${COMMANDS} mixed commands of two users at once on one terminal, each on its own account`, async () => {
      const players = await Promise.all([join("ann", "1001", "alpha-one"), join("bob", "1002", "alpha-two")]);
      const before = (await double.ledger()).length;
      let commands = 0;
      const run = async (player: Player): Promise<void> => {
        for (let turn = 0; turn < COMMANDS / 2; turn++) {
          const sent = await play(player, turn);
          commands += sent;
        }
      };
      await Promise.all(players.map(run));

      const ledger = (await double.ledger()).slice(before);
      assert.equal(ledger.length, commands, "one broker order per command");
      assert.equal(new Set(ledger.map(({ magic }) => magic)).size, commands, "each under its own tag");
      for (const player of players) {
        const mine = ledger.filter(({ login }) => login === player.login);
        const list = await player.trader.get("/commands?limit=200");
        assert.equal(mine.length, list.body.data.length);
        const tickets = new Set(list.body.data.map((command: { id: string }) => command.id));
        assert.equal(tickets.size, mine.length);
        for (const command of list.body.data) {
          assert.equal(command.state, "done");
          assert.equal(command.account.login, player.login);
        }
        const positions = await player.trader.get("/positions?max_age_ms=0");
        assert.deepEqual(
          positions.body.positions.map((position: { ticket: string }) => position.ticket).sort(),
          [...player.opened].sort(),
        );
      }
    });

    it("keeps tickets above 2^53 exact, from the terminal to the caller and back", async () => {
      const player = await join("cleo", "1001", "alpha-one");
      const opened = await player.trader.post("/trades", { symbol: "EURUSD", order_type: "buy", volume: 0.01 });
      const { order_ticket: order, position_ticket: position } = opened.body.result;
      assert.ok(BigInt(order) > 2n ** 53n, `ticket ${order}`);
      assert.ok((await double.ledger()).some(({ ticket }) => ticket === order));
      assert.equal((await player.trader.post(`/positions/${position}/close`, {})).status, 200);
    });
  });
}
