// The error check reads headings and raises in the forms that this repository writes them.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { documentedCodes, raisedCodes } from "../../scripts/check-errors.ts";

describe("documentedCodes", () => {
  it("finds the headings of the third level with code and status, and nothing else", () => {
    const markdown = [
      ...["# Errors", "## Accounts", "### `login_failed` (400)", "text `no_code` (404)", "### `no_position`"],
      ...["#### `deeper` (404)", "### `server_mismatch` (422)", "### `not_done` (42)", "### login_failed (400)"],
    ].join("\n");
    assert.deepStrictEqual(
      [...documentedCodes(markdown)],
      [
        ["login_failed", 400],
        ["server_mismatch", 422],
      ],
    );
  });
});

describe("raisedCodes", () => {
  const cases: [string, string, { code: string; status: number }[]][] = [
    [
      "status first",
      `raise exception using errcode = 'PT404', message = 'account_not_found';`,
      [{ code: "account_not_found", status: 404 }],
    ],
    [
      "message first, over lines and in capitals",
      `RAISE EXCEPTION USING\n  message='account_busy',\n  detail = 'a command is open',\n  ERRCODE='PT409';`,
      [{ code: "account_busy", status: 409 }],
    ],
    [
      "several",
      `raise exception using errcode='PT401', message='a'; x := 1; raise exception using errcode='PT402', message='b';`,
      [
        { code: "a", status: 401 },
        { code: "b", status: 402 },
      ],
    ],
    ["another SQLSTATE", `raise exception using errcode = '23505', message = 'duplicate';`, []],
    ["one without a code", `raise exception using message = 'odd';`, []],
    ["a notice", `raise notice 'hello';`, []],
    ["one whose halves lie in two statements", `raise exception using errcode='PT404'; select 'message = ''x''';`, []],
  ];
  for (const [name, sql, expected] of cases) {
    it(`reads ${name}`, () => assert.deepStrictEqual(raisedCodes(sql), expected));
  }
});
