import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ServiceError } from './aws-errors.ts';
import { CloudError, messageOf } from './errors.ts';
import type { CloudModel, SecretModel } from './model.ts';

/**
 * Secrets Manager's GetSecretValue. Values are in `secrets.json` of the data folder (readable by its owner only), by the
 * secret's name; a person may put real ones there, also such as the template does not make. Those of the template that
 * are missing come from it or are generated once.
 */
export class Secrets {
  readonly #secrets: readonly SecretModel[];
  readonly #values: Readonly<Record<string, string>>;

  constructor(
    { secrets, region, account }: Pick<CloudModel, 'secrets' | 'region' | 'account'>,
    dataDir: string,
  ) {
    const file = path.join(dataDir, 'secrets.json');
    const stored = readStored(file);
    const values = { ...stored };
    const byHand = Object.keys(stored).filter((name) => secrets.every((secret) => secret.name !== name));
    this.#secrets = [
      ...secrets,
      ...byHand.map((name) => ({
        name,
        arn: `arn:aws:secretsmanager:${region}:${account}:secret:${name}-Local0`,
        value: undefined,
        generate: undefined,
      })),
    ];
    for (const secret of secrets) values[secret.name] ??= secret.value ?? generate(secret);
    if (Object.keys(values).length > Object.keys(stored).length) {
      mkdirSync(dataDir, { recursive: true });
      writeFileSync(file, `${JSON.stringify(values, null, 2)}\n`, { mode: 0o600 });
    }
    this.#values = values;
  }

  /** The ARN of the secret that a SecretId names: a name, a full ARN, or an ARN without the six characters. */
  arnOf(secretId: string): string | undefined {
    return this.#find(secretId)?.arn;
  }

  /** Answers GetSecretValue. Throws ServiceError ResourceNotFoundException. */
  get(secretId: string): Record<string, unknown> {
    const secret = this.#find(secretId);
    if (secret === undefined)
      throw new ServiceError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
    return {
      ARN: secret.arn,
      Name: secret.name,
      SecretString: this.#values[secret.name],
      VersionId: '00000000-0000-0000-0000-000000000001',
      VersionStages: ['AWSCURRENT'],
      CreatedDate: 0,
    };
  }

  #find(secretId: string): SecretModel | undefined {
    return this.#secrets.find(
      ({ name, arn }) =>
        secretId === name || secretId === arn || secretId === arn.slice(0, -'-Local0'.length),
    );
  }
}

function readStored(file: string): Record<string, string> {
  if (!existsSync(file)) return {};
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
  } catch (error) {
    throw new CloudError(
      'TEMPLATE_INVALID',
      `The secrets file ${file} is not readable: ${messageOf(error)}.`,
      'It is a JSON object of secret name to value (text); correct it, or delete it to have dummies generated.',
    );
  }
}

/** GenerateSecretString with a template fills its key; without one the secret is the random text. */
function generate({ generate: rule }: SecretModel): string {
  const text = randomBytes(16).toString('hex');
  if (typeof rule?.SecretStringTemplate !== 'string') return text;
  const object = JSON.parse(rule.SecretStringTemplate) as Record<string, unknown>;
  return JSON.stringify({ ...object, [String(rule.GenerateStringKey)]: text });
}
