// The tag in a comment: short enough for every server, and never mistaken for another command's.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { COMMENT_MAX_CHARS, canBeFound, FIRST_TAG, isTagged, tagComment, tagOfComment } from "./tag.ts";

const tag = fc.integer({ min: 2 ** 40, max: 2 ** 52 - 1 });

describe("tagComment", () => {
  it("fits into 27 characters of ASCII for every tag", () => {
    fc.assert(
      fc.property(tag, (value) => {
        assert.match(tagComment(value), /^sy[0-9a-z]{8,11}$/);
        assert.ok(tagComment(value).length <= COMMENT_MAX_CHARS);
      }),
    );
    assert.equal(tagComment(2 ** 52 - 1).length <= 13, true);
    assert.equal(COMMENT_MAX_CHARS, 27);
  });

  it("names one tag only", () => {
    fc.assert(fc.property(tag, (value) => assert.equal(Number.parseInt(tagComment(value).slice(2), 36), value)));
  });
});

describe("isTagged", () => {
  const TAG = 2 ** 41 + 12_345;
  const mark = tagComment(TAG);

  for (const comment of [mark, `${mark}[sl 1.1]`, `${mark} from #5`, `${mark}-x`]) {
    it(`finds the tag in "${comment.replace(mark, "MARK")}"`, () => assert.equal(isTagged(comment, TAG), true));
  }
  for (const comment of [
    "",
    "sy",
    mark.slice(0, -1),
    `x${mark}`,
    ` ${mark}`,
    mark.toUpperCase(),
    `${mark}0`,
    `${mark}z`,
  ]) {
    it(`does not find it in "${comment.replace(mark, "MARK")}"`, () => assert.equal(isTagged(comment, TAG), false));
  }

  it("is not fooled by a longer tag that begins with the same characters", () => {
    // One more base-36 digit multiplies by 36: both are tags, and one's mark is the other's beginning.
    const short = 2 ** 41 + 1;
    const long = short * 36 + 7;
    assert.ok(tagComment(long).startsWith(tagComment(short)));
    assert.equal(isTagged(tagComment(long), short), false);
    assert.equal(isTagged(tagComment(short), long), false);
  });

  it("never takes one command's comment for another's", () => {
    fc.assert(fc.property(tag, tag, (one, other) => assert.equal(isTagged(tagComment(one), other), one === other)));
  });
});

describe("tagOfComment", () => {
  it("reads back every tag, also where a server appended to it", () => {
    fc.assert(
      fc.property(tag, (value) => {
        assert.equal(tagOfComment(tagComment(value)), value);
        assert.equal(tagOfComment(`${tagComment(value)}[sl 1.1]`), value);
      }),
    );
  });

  for (const comment of ["", "sy", "sy1234567", "sy12345678901z", "xsy12345678", "SY12345678", "syzzzzzzzzzzz"]) {
    it(`finds none in "${comment}"`, () => assert.equal(tagOfComment(comment), undefined));
  }
});

describe("canBeFound", () => {
  const TAG = 2 ** 41 + 12_345;
  const mark = tagComment(TAG);
  const cases: [boolean, number, string, boolean][] = [
    [true, TAG, "", false],
    [true, TAG, "", true],
    [false, TAG + 1, mark, false],
    [false, 77, mark, false],
    [true, 77, mark, true],
    [true, 0, `${mark} x`, true],
    [true, FIRST_TAG - 1, mark, true],
    [false, FIRST_TAG, mark, true],
    [false, -1, mark, true],
    [false, 0.5, mark, true],
    [false, 77, "", true],
    [false, 77, `${mark}0`, true],
    [false, 77, `x${mark}`, true],
    [false, 77, mark + " ".repeat(COMMENT_MAX_CHARS), true],
    [false, 77, `${mark} ü`, true],
  ];
  for (const [expected, magic, comment, isOwn] of cases) {
    const shown = comment.replace(mark, "MARK");
    it(`says ${expected} to magic ${magic} and "${shown}", own magic ${isOwn ? "allowed" : "not allowed"}`, () =>
      assert.equal(canBeFound({ magic, comment }, TAG, isOwn), expected));
  }
});
