// What a presented refresh token is worth: GoTrue's rotation rule with reuse detection. Pure.

/** A used token may be presented again for this long (requests that crossed each other), in seconds: GoTrue's default. */
export const REUSE_INTERVAL_S = 10;

export type PresentedToken = { token: string; revoked: boolean; age_s: number };
export type ActiveToken = { parent: string | null };

/**
 * `rotate`: give a new one. `give_active`: the client never stored the answer to its last refresh; give that again.
 * `refuse`: used twice by two holders; the whole session's tokens end. `age_s` counts from the revocation.
 */
export function decideRefresh(
  presented: PresentedToken,
  active: ActiveToken | undefined,
): "rotate" | "give_active" | "refuse" {
  if (!presented.revoked) return "rotate";
  if (active?.parent === presented.token) return "give_active";
  return active !== undefined && presented.age_s <= REUSE_INTERVAL_S ? "rotate" : "refuse";
}
