// How long a login is expected to take: the benefit of the doubt first, then what was seen, per server.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LoginTimes } from "./login-times.ts";

describe("LoginTimes", () => {
  it("guesses 500 ms for a server it has not met", () => {
    assert.equal(new LoginTimes().expectedMs("A", 0), 500);
  });

  it("expects a quarter more than the first login took", () => {
    const times = new LoginTimes();
    times.observe("A", 2000, 0);
    assert.equal(times.expectedMs("A", 0), 2500);
    assert.equal(times.expectedMs("B", 0), 500);
  });

  it("follows a broker that becomes slower or faster, without believing one login alone", () => {
    const times = new LoginTimes();
    times.observe("A", 1000, 0);
    times.observe("A", 2000, 0);
    assert.equal(times.expectedMs("A", 0), 1300 * 1.25);
    for (let login = 0; login < 30; login++) times.observe("A", 100, 0);
    assert.ok(times.expectedMs("A", 0) < 126);
  });

  it("does not believe for ever that a broker is slow: who is not let log in could never hear that it is quick again", () => {
    const times = new LoginTimes();
    times.observe("A", 12_000, 0);
    assert.equal(times.expectedMs("A", 299_999), 15_000);
    assert.equal(times.expectedMs("A", 300_000), 500);
    times.observe("A", 1_000, 300_000);
    assert.equal(times.expectedMs("A", 300_000), 1_250);
  });
});
