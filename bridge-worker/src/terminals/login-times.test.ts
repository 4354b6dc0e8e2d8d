// How long a login is expected to take: the benefit of the doubt first, then what was seen, per server.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LoginTimes } from "./login-times.ts";

describe("LoginTimes", () => {
  it("guesses 500 ms for a server it has not met", () => {
    assert.equal(new LoginTimes().expectedMs("A"), 500);
  });

  it("expects a quarter more than the first login took", () => {
    const times = new LoginTimes();
    times.observe("A", 2000);
    assert.equal(times.expectedMs("A"), 2500);
    assert.equal(times.expectedMs("B"), 500);
  });

  it("follows a broker that becomes slower or faster, without believing one login alone", () => {
    const times = new LoginTimes();
    times.observe("A", 1000);
    times.observe("A", 2000);
    assert.equal(times.expectedMs("A"), 1300 * 1.25);
    for (let login = 0; login < 30; login++) times.observe("A", 100);
    assert.ok(times.expectedMs("A") < 126);
  });
});
