/** Who asks, by STS: needs no permission, so it tells credentials that work from those that do not. */
import { GetCallerIdentityCommand, type STSClient } from '@aws-sdk/client-sts';
import type { Identity, IdentityProbe } from '../ports/stage-probes.ts';

export class StsIdentity implements IdentityProbe {
  readonly #client: STSClient;
  readonly #nowMs: () => number;

  constructor(client: STSClient, nowMs: () => number = Date.now) {
    this.#client = client;
    this.#nowMs = nowMs;
  }

  async whoAmI(): Promise<Identity> {
    const command = new GetCallerIdentityCommand({});
    let serverMs = Number.NaN;
    let askedMs = this.#nowMs();
    // The only clock of AWS's that a client sees is the Date header of an answer.
    command.middlewareStack.add(
      (next) => async (args) => {
        askedMs = this.#nowMs();
        const answer = await next(args);
        const { headers } = answer.response as { headers?: Readonly<Record<string, string>> };
        serverMs = Date.parse(headers?.date ?? '');
        return answer;
      },
      { step: 'deserialize', name: 'readServerDate' },
    );
    const { Account, Arn } = await this.#client.send(command);
    return { account: Account ?? '', arn: Arn ?? '', clockSkewMs: skew(askedMs, this.#nowMs(), serverMs) };
  }
}

/** The header has whole seconds and was written somewhere between question and answer: what that explains is no skew. */
function skew(askedMs: number, answeredMs: number, serverMs: number): number | null {
  if (Number.isNaN(serverMs)) return null;
  if (askedMs > serverMs + 1_000) return askedMs - (serverMs + 1_000);
  return answeredMs < serverMs ? answeredMs - serverMs : 0;
}
