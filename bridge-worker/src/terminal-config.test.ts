// The options of each terminal: what they mean, that every fault is told at once, and that none repeats a secret.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { readTerminals, type TerminalConfig, type TerminalVariables } from "./terminal-config.ts";

const ONE = "127.0.0.1:18812";
const TWO = "127.0.0.1:18813";
const ANN = { login: "5000001", server: "Demo-One" };

type Read = { terminals: TerminalConfig[]; faults: string[] };

function read(options: Record<string, unknown>, change: TerminalVariables = {}): Read {
  const faults: string[] = [];
  const env = { MT5_TERMINALS: `${ONE},${TWO}`, MT5_TERMINAL_OPTIONS: options, ...change };
  return { terminals: readTerminals(env, faults), faults };
}

function hasFaults(options: Record<string, unknown>, expected: RegExp[], change: TerminalVariables = {}): void {
  const { faults } = read(options, change);
  assert.equal(faults.length, expected.length, faults.join("\n"));
  for (const [index, pattern] of expected.entries()) assert.match(faults[index] ?? "", pattern);
  for (const fault of faults) assert.ok(!fault.includes(ANN.login), fault);
}

describe("MT5_TERMINAL_OPTIONS", () => {
  it("says what a terminal is called, drives, may serve, and how it is restarted", () => {
    const path = "C:\\MT5 one\\terminal64.exe";
    const recycle = ["/usr/local/bin/restart", "--now"];
    const { terminals, faults } = read({
      [ONE]: { name: "one", path, servers: ["Demo-One", "Demo-Two"], pinned: [ANN], recycle },
    });
    assert.deepEqual(faults, []);
    assert.deepEqual(terminals, [
      {
        ...{ name: "one", endpoint: { host: "127.0.0.1", port: 18812, dialect: "auto" }, path, recycle },
        limits: { servers: ["Demo-One", "Demo-Two"], pinned: [ANN] },
      },
      {
        ...{ name: TWO, endpoint: { host: "127.0.0.1", port: 18813, dialect: "auto" } },
        limits: { servers: null, pinned: [] },
      },
    ]);
  });

  const refused: [string, unknown, RegExp][] = [
    ["a key that it does not know", { server: "Demo" }, /^MT5_TERMINAL_OPTIONS\["127\.0\.0\.1:18812"\].*server/],
    ["a key of an account that it does not know", { pinned: [{ ...ANN, password: "x" }] }, /pinned\[0\].*password/],
    ["no object", "fast", /expected object/],
    ["an empty list of servers", { servers: [] }, /\.servers/],
    ["an empty list of accounts", { pinned: [] }, /\.pinned/],
    ["a login that is none", { pinned: [{ ...ANN, login: "Ann" }] }, /\.pinned\[0\]\.login/],
    ["a name with a blank", { name: "one two" }, /\.name: must be 1 to 64/],
    ["a command as one text", { recycle: "/bin/restart one" }, /\.recycle/],
    ["a command without a program", { recycle: [] }, /\.recycle/],
    ["a program that PATH would have to find", { recycle: ["restart"] }, /\.recycle\[0\]: must be an absolute path/],
    ["an argument that no program can be given", { recycle: ["/bin/restart", "a\0b"] }, /\.recycle\[1\]/],
  ];
  for (const [name, options, fault] of refused) it(`refuses ${name}`, () => hasFaults({ [ONE]: options }, [fault]));

  it("tells all faults of all terminals together", () => {
    const faults = [/18812.*name/, /18812.*servers/, /18813.*recycle/, /10\.0\.0\.9:1, which is not in MT5_TERMINALS/];
    hasFaults({ [ONE]: { name: "", servers: [] }, [TWO]: { recycle: [] }, "10.0.0.9:1": {} }, faults);
  });

  it("refuses an account that is pinned twice, and names it by its places alone", () => {
    const spelled = { ...ANN, server: "demo-one" };
    const twice = /pinned\[0\] of 127\.0\.0\.1:18813 is the account of pinned\[0\] of 127\.0\.0\.1:18812/;
    hasFaults({ [ONE]: { pinned: [ANN] }, [TWO]: { pinned: [spelled] } }, [twice]);
    hasFaults({ [ONE]: { pinned: [ANN, ANN] } }, [/pinned\[1\] of .*18812 is the account of pinned\[0\]/]);
    const namesake = { ...ANN, server: "Demo-Two" };
    hasFaults({ [ONE]: { pinned: [ANN] }, [TWO]: { pinned: [namesake] } }, []);
  });

  it("refuses a pinned account whose server the terminal may not log in to", () => {
    hasFaults({ [ONE]: { servers: ["Demo-Two"], pinned: [ANN] } }, [/pinned\[0\] of .* may not log in to/]);
    hasFaults({ [ONE]: { servers: ["demo-one"], pinned: [ANN] } }, []);
  });

  it("refuses two terminals of one name: the journal would mix them up", () => {
    hasFaults({ [ONE]: { name: "one" }, [TWO]: { name: "one" } }, [/two terminals are called one/]);
  });

  it("refuses two paths for one terminal", () => {
    const change = { MT5_TERMINAL_PATHS: { [ONE]: "C:\\a\\terminal64.exe" } };
    hasFaults({ [ONE]: { path: "C:\\b\\terminal64.exe" } }, [/stands in MT5_TERMINAL_PATHS too/], change);
  });

  it("is for somebody: without terminals it is a fault", () => {
    hasFaults({ [ONE]: {} }, [/which is not in MT5_TERMINALS/], { MT5_TERMINALS: undefined });
  });

  describe("tls", () => {
    let dir: string;
    const file = (name: string): string => join(dir, name);
    before(() => {
      dir = mkdtempSync(join(tmpdir(), "terminal-config-"));
      for (const name of ["ca", "cert", "key", "own-ca", "own-cert", "own-key"])
        writeFileSync(file(name), `the ${name}`);
    });
    after(() => rmSync(dir, { recursive: true }));

    const tlsOf = (tls: object): unknown => {
      const { terminals, faults } = read(
        { [ONE]: { tls } },
        {
          ...{ MT5_TERMINALS: `tls://${ONE},tls://${TWO}`, MT5_TLS_CA_FILE: file("ca") },
          ...{ MT5_TLS_CERT_FILE: file("cert"), MT5_TLS_KEY_FILE: file("key") },
        },
      );
      assert.deepEqual(faults, []);
      assert.deepEqual(terminals[1]?.endpoint.tls, { ca: "the ca", cert: "the cert", key: "the key" });
      return terminals[0]?.endpoint.tls;
    };

    it("of one terminal goes before what all have", () => {
      const own = { ca: file("own-ca"), cert: file("own-cert"), key: file("own-key") };
      assert.deepEqual(tlsOf(own), { ca: "the own-ca", cert: "the own-cert", key: "the own-key" });
      assert.deepEqual(tlsOf({ ca: file("own-ca") }), { ca: "the own-ca", cert: "the cert", key: "the key" });
    });

    it("is refused in halves, without its files, and where no TLS is spoken", () => {
      const change = { MT5_TERMINALS: `tls://${ONE},${TWO}` };
      hasFaults({ [ONE]: { tls: { cert: file("own-cert") } } }, [/tls\.cert and .*tls\.key belong together/], change);
      hasFaults({ [ONE]: { tls: { ca: file("absent") } } }, [/tls\.ca cannot be read/], change);
      hasFaults({ [TWO]: { tls: { ca: file("ca") } } }, [/18813 has tls, but is not tls:\/\//], change);
    });
  });
});
