// How a command's tag is written at the broker: whole in `magic`, and again at the front of `comment`. Pure.

/** The package refuses comments above 27 characters on some versions (30 on others); ASCII only. */
export const COMMENT_MAX_CHARS = 27;
const PREFIX = "sy";

/** `sy` and the tag in base 36: 10 or 11 characters at most 52 bits, so the front survives a server that trims. */
export function tagComment(tag: number): string {
  return PREFIX + tag.toString(36);
}

/** True when a comment carries the tag: the mark stands alone or is followed by what a server appended. */
export function isTagged(comment: string, tag: number): boolean {
  const mark = tagComment(tag);
  return comment === mark || (comment.startsWith(mark) && !/[0-9a-z]/.test(comment.charAt(mark.length)));
}
