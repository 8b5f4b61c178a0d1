import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ServiceError } from './aws-errors.ts';
import { CloudError, messageOf } from './errors.ts';
import type { SecretModel } from './model.ts';

/**
 * Secrets Manager's GetSecretValue. Values are in `secrets.json` of the data folder (readable by its owner only), by the
 * secret's name; a person may put real ones there. Missing ones come from the template or are generated once.
 */
export class Secrets {
  readonly #secrets: readonly Pick<SecretModel, 'name' | 'arn'>[];
  readonly #values: Readonly<Record<string, string>>;

  /** @param place of secrets that a stack uses and does not make: a person puts their values into the file */
  constructor(
    secrets: readonly SecretModel[],
    dataDir: string,
    { region, account }: { readonly region: string; readonly account: string },
  ) {
    const file = path.join(dataDir, 'secrets.json');
    const stored = readStored(file);
    const values = { ...stored };
    for (const secret of secrets) values[secret.name] ??= secret.value ?? generate(secret);
    if (Object.keys(values).length > Object.keys(stored).length) {
      mkdirSync(dataDir, { recursive: true });
      writeFileSync(file, `${JSON.stringify(values, null, 2)}\n`, { mode: 0o600 });
    }
    this.#values = values;
    const others = Object.keys(stored).filter((name) => !secrets.some((secret) => secret.name === name));
    this.#secrets = [
      ...secrets,
      ...others.map((name) => ({
        name,
        arn: `arn:aws:secretsmanager:${region}:${account}:secret:${name}-Local0`,
      })),
    ];
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

  #find(secretId: string): Pick<SecretModel, 'name' | 'arn'> | undefined {
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
