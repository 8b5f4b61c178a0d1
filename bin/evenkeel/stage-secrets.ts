import { gatewayIsBeside } from '../../config/gateway-place.ts';
import type { Config } from '../../config/schema.ts';
import { unknownName } from './valid-names.ts';

/** A secret that a stage may have. Only its name is in templates; it is made before the stack and outlives it. */
export interface StageSecret {
  /** In Secrets Manager. */
  readonly name: string;
  /** What a person may say for it. */
  readonly short: string;
  readonly kind: 'login' | 'channels';
  readonly what: string;
  /** What starts again with a new value; `''` where nothing has to. */
  readonly service: string;
}

/** The keys of a login, as the gateway's image takes them. */
export const loginKeys = ['TWS_USERID', 'TWS_PASSWORD'] as const;

/** The login of each IB Gateway that is deployed, then the alert channels. */
export function stageSecrets({ stage, streamers }: Config): readonly StageSecret[] {
  const prefix = `evenkeel-${stage}`;
  return [
    ...streamers.filter(gatewayIsBeside).map(
      ({ name, account }): StageSecret => ({
        name: `${prefix}-gateway-${name}`,
        short: `gateway-${name}`,
        kind: 'login',
        what: `login of IB Gateway for ${account}`,
        service: `${prefix}-streamer-${name}`,
      }),
    ),
    {
      name: `${prefix}-alert-channels`,
      short: 'alert-channels',
      kind: 'channels',
      what: 'addresses and signing keys of alert channels',
      service: '',
    },
  ];
}

/**
 * `gateway-main`, the whole name, or `gateway` where there is one login.
 *
 * @throws CliError SECRET_UNKNOWN
 */
export function chooseSecret(given: string, secrets: readonly StageSecret[]): StageSecret {
  const logins = secrets.filter(({ kind }) => kind === 'login');
  if (given === 'gateway' && logins.length === 1) return logins[0]!;
  const found = secrets.find(({ name, short }) => given === name || given === short);
  if (found !== undefined) return found;
  const valid = secrets.map(({ short }) => short);
  throw unknownName('secret', given, valid);
}
