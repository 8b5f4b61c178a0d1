/** A proof of who somebody is: a request to STS that only its signer could have made, and that names what it is for. */

/** The header that the signature covers: what the proof is for. */
export const proofHeader = 'x-evenkeel-plan';

/** What a proof may be for. */
export const proofPurposes = ['approve', 'reject', 'except-ambiguous', 'acknowledge-alert'] as const;
export type ProofPurpose = (typeof proofPurposes)[number];

/** A presigned `sts:GetCallerIdentity`. Whoever has it can learn who signed it, and nothing else. */
export interface IdentityProof {
  readonly url: string;
  readonly headers: { readonly [name: string]: string };
}

export type ProofRefusalCode =
  | 'APPROVAL_INVALID'
  | 'APPROVAL_OTHER_PLAN'
  | 'APPROVAL_EXPIRED'
  | 'APPROVAL_FORBIDDEN';

export type ProvenIdentity =
  | {
      readonly ok: true;
      /** Of who signed. */
      readonly arn: string;
      readonly awsAccount: string;
      /** SHA-256 of the signature: what is remembered, so that the proof counts once. */
      readonly sha256: string;
    }
  | { readonly ok: false; readonly code: ProofRefusalCode; readonly problem: string };

export interface IdentityVerifier {
  /**
   * Who signed, if the proof is for this plan and this purpose and is younger than five minutes.
   *
   * @throws IdentityUnavailableError when STS does not answer: nothing is known
   */
  verify(proof: IdentityProof, purpose: ProofPurpose, planHash: string): Promise<ProvenIdentity>;
}

/** Value of the header. An approval is the plan's hash alone; other purposes say so, or a proof could serve for both. */
export function proofText(purpose: ProofPurpose, planHash: string): string {
  return purpose === 'approve' ? planHash : `${purpose} ${planHash}`;
}
