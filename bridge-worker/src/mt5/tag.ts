// How a command's tag is written at the broker: whole in `magic`, and again at the front of `comment`. Pure.

/** The package refuses comments above 27 characters on some versions (30 on others); ASCII only. */
export const COMMENT_MAX_CHARS = 27;
/** Tags begin here: a magic below it is somebody's own, and can be taken for no command's tag. */
export const FIRST_TAG = 2 ** 40;
const PREFIX = "sy";

/** `sy` and the tag in base 36: 10 or 11 characters at most 52 bits, so the front survives a server that trims. */
export function tagComment(tag: number): string {
  return PREFIX + tag.toString(36);
}

/** The tag at the front of a comment, for orders whose magic is their caller's own; undefined when there is none. */
export function tagOfComment(comment: string): number | undefined {
  const mark = /^sy([0-9a-z]{8,11})(?![0-9a-z])/.exec(comment);
  const tag = Number.parseInt(mark?.[1] ?? "", 36);
  return Number.isSafeInteger(tag) ? tag : undefined;
}

/**
 * What the guard insists on, so that an order can be found again: the whole tag in `magic`, or, where a caller's own
 * number stands there, the tag at the front of the comment.
 */
export function canBeFound(
  { magic, comment }: { magic: number; comment: string },
  tag: number,
  isOwnMagic: boolean,
): boolean {
  if (magic === tag || !isOwnMagic) return magic === tag;
  const isToldApart = Number.isInteger(magic) && magic >= 0 && magic < FIRST_TAG;
  const isWhole = comment.length <= COMMENT_MAX_CHARS && /^[\x20-\x7e]*$/.test(comment);
  return isToldApart && isWhole && isTagged(comment, tag);
}

/** True when a comment carries the tag: the mark stands alone or is followed by what a server appended. */
export function isTagged(comment: string, tag: number): boolean {
  const mark = tagComment(tag);
  return comment === mark || (comment.startsWith(mark) && !/[0-9a-z]/.test(comment.charAt(mark.length)));
}
