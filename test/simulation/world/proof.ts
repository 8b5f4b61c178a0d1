/** A decision of an operator on a plan, with the proof that `identities` of test/helpers/plan-desk.ts reads. */
import { type ProofPurpose, proofHeader, proofText } from '../../../lib/ports/identity-proof.ts';
import { account } from '../../helpers/exactly-once-gateway.ts';

const anna = 'arn:aws:sts::111122223333:assumed-role/DeskOperator/anna';

export function proofOf(purpose: ProofPurpose, hash: string, signature: string) {
  return {
    hash,
    account,
    reason: 'compared with TWS',
    proof: { url: `${anna} ${signature}`, headers: { [proofHeader]: proofText(purpose, hash) } },
  };
}
