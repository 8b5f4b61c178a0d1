/** Whether a proven identity may decide about plans. */
import { type Refusal, refusal } from '../domain/reconcile/plan-state.ts';
import type {
  IdentityProof,
  IdentityVerifier,
  ProofPurpose,
  ProvenIdentity,
} from '../ports/identity-proof.ts';

export interface Approvers {
  /** The stage's own: identities of others never approve. */
  readonly awsAccount: string;
  /** Patterns of ARNs; `*` stands for any text, `?` for one sign. */
  readonly patterns: readonly string[];
}

export type Decider =
  | { readonly ok: true; readonly arn: string; readonly proof: string }
  | { readonly ok: false; readonly refusal: Refusal; readonly arn: string };

/** Who decides, if he may. @throws IdentityUnavailableError */
export async function proveDecider(
  proof: IdentityProof,
  purpose: ProofPurpose,
  hash: string,
  { identities, approvers }: { readonly identities: IdentityVerifier; readonly approvers: Approvers },
): Promise<Decider> {
  const proven = await identities.verify(proof, purpose, hash);
  if (!proven.ok) {
    const what = `The proof of identity does not count for the plan ${hash}: ${proven.problem}`;
    return { ok: false, arn: '', refusal: refusal(proven.code, what) };
  }
  if (isApprover(proven, approvers)) return { ok: true, arn: proven.arn, proof: proven.sha256 };
  const what = `${proven.arn} may not decide about plans of this stage`;
  return { ok: false, arn: proven.arn, refusal: refusal('APPROVAL_FORBIDDEN', what) };
}

/** An identity of the stage's AWS account whose whole ARN fits one of the patterns. */
export function isApprover(
  { arn, awsAccount }: Pick<Extract<ProvenIdentity, { ok: true }>, 'arn' | 'awsAccount'>,
  { awsAccount: own, patterns }: Approvers,
): boolean {
  return awsAccount === own && patterns.some((pattern) => fits(arn, pattern));
}

/** Linear in the text: only the last `*` is ever gone back to. */
function fits(text: string, pattern: string): boolean {
  let at = 0;
  let sign = 0;
  let star = -1;
  let from = 0;
  while (at < text.length) {
    if (pattern[sign] === '*') {
      star = sign;
      sign += 1;
      from = at;
    } else if (sign < pattern.length && (pattern[sign] === '?' || pattern[sign] === text[at])) {
      sign += 1;
      at += 1;
    } else if (star >= 0) {
      from += 1;
      at = from;
      sign = star + 1;
    } else {
      return false;
    }
  }
  while (pattern[sign] === '*') sign += 1;
  return sign === pattern.length;
}
