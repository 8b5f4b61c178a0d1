import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ServiceError } from './aws-errors.ts';
import { CloudError, messageOf } from './errors.ts';
import type { Access } from './iam.ts';
import type { CloudModel, SecretModel } from './model.ts';
import { checkedToken, checkedValue, notHere, refuseOthers } from './secret-input.ts';

export const SECRETS_OPERATIONS = [
  'GetSecretValue',
  'DescribeSecret',
  'ListSecrets',
  'CreateSecret',
  'PutSecretValue',
] as const;

type Input = Readonly<Record<string, unknown>>;
type Output = Record<string, unknown>;

/** What is kept of a secret beside its value. Times are Unix milliseconds, 0 for those of the template. */
interface Version {
  readonly id: string;
  readonly createdMs: number;
  readonly changedMs: number;
}

interface Place {
  readonly region: string;
  readonly account: string;
}

const FIRST: Version = { id: '00000000-0000-0000-0000-000000000001', createdMs: 0, changedMs: 0 };
const NAME = /^[\w/+=.@-]{1,512}$/;
const PAGE_MAX = 100;
/** Where the real one has six random characters. */
const SUFFIX = '-Local0';
const NOT_FOUND = "Secrets Manager can't find the specified secret.";

/**
 * Secrets Manager, each secret with its current version alone. Values are in `secrets.json` of the data folder (readable
 * by its owner only), by the secret's name; a person may put real ones there. Missing ones come from the template or are
 * generated once. When they changed is in `secret-versions.json`.
 */
export class Secrets {
  readonly #secrets: readonly SecretModel[];
  readonly #place: Place;
  readonly #dataDir: string;
  readonly #nowMs: () => number;
  readonly #values: Record<string, string>;
  readonly #versions: Record<string, Version>;

  constructor(
    model: Pick<CloudModel, 'secrets' | 'region' | 'account'>,
    dataDir: string,
    nowMs: () => number = Date.now,
  ) {
    this.#secrets = model.secrets;
    this.#place = model;
    this.#dataDir = dataDir;
    this.#nowMs = nowMs;
    this.#versions = readStored<Version>(this.#file('secret-versions.json'));
    const stored = readStored<string>(this.#file('secrets.json'));
    this.#values = { ...stored };
    for (const secret of model.secrets) this.#values[secret.name] ??= secret.value ?? generate(secret);
    if (Object.keys(this.#values).length > Object.keys(stored).length) this.#save();
  }

  /** The ARN of the secret that a SecretId names: a name, a full ARN, or an ARN without the six characters. */
  arnOf(secretId: string): string | undefined {
    const name = this.#nameOf(secretId);
    return name === undefined ? undefined : this.#arn(name);
  }

  access(operation: string, input: Input): Access[] {
    const action = `secretsmanager:${operation}`;
    if (operation === 'ListSecrets') return [{ action, resource: '*' }];
    if (operation === 'CreateSecret') {
      const resource = this.#arn(String(input.Name));
      const tags = Array.isArray(input.Tags) && input.Tags.length > 0;
      return [{ action, resource }, ...(tags ? [{ action: 'secretsmanager:TagResource', resource }] : [])];
    }
    const id = String(input.SecretId);
    return [{ action, resource: this.arnOf(id) ?? (id.startsWith('arn:') ? id : this.#arn(id)) }];
  }

  /** Throws ServiceError. */
  answer(operation: string, input: Input): Output {
    switch (operation) {
      case 'GetSecretValue':
        refuseOthers(input, ['SecretId', 'VersionId', 'VersionStage']);
        return this.#get(input);
      case 'DescribeSecret':
        refuseOthers(input, ['SecretId']);
        return this.#described(this.#existing(input));
      case 'ListSecrets':
        refuseOthers(input, ['Filters', 'MaxResults', 'NextToken', 'SortOrder']);
        return this.#list(input);
      case 'CreateSecret':
        refuseOthers(input, ['Name', 'SecretString', 'ClientRequestToken', 'Description', 'Tags']);
        return this.#create(input);
      default:
        refuseOthers(input, ['SecretId', 'SecretString', 'ClientRequestToken']);
        return this.#put(input);
    }
  }

  /** The current value. Throws ServiceError ResourceNotFoundException. */
  get(secretId: string): string {
    const name = this.#existing({ SecretId: secretId });
    const value = this.#values[name];
    if (value === undefined) throw new ServiceError('ResourceNotFoundException', NOT_FOUND);
    return value;
  }

  #get({ SecretId, VersionId, VersionStage }: Input): Output {
    const name = this.#existing({ SecretId });
    const version = this.#version(name);
    if ((VersionStage ?? 'AWSCURRENT') !== 'AWSCURRENT' || (VersionId ?? version.id) !== version.id) {
      const wanted =
        VersionId === undefined
          ? `staging label: ${String(VersionStage)}`
          : `VersionId: ${String(VersionId)}`;
      throw new ServiceError(
        'ResourceNotFoundException',
        `Secrets Manager can't find the specified secret value for ${wanted}`,
      );
    }
    return {
      ARN: this.#arn(name),
      Name: name,
      SecretString: this.#values[name],
      VersionId: version.id,
      VersionStages: ['AWSCURRENT'],
      CreatedDate: version.changedMs / 1000,
    };
  }

  #list({ Filters, MaxResults, NextToken, SortOrder }: Input): Output {
    const prefixes = ((Filters ?? []) as readonly { Key?: unknown; Values?: readonly string[] }[]).map(
      ({ Key, Values = [] }) => {
        if (Key === 'name' && !Values.some((value) => value.startsWith('!'))) return Values;
        throw notHere(`a filter of ListSecrets by ${String(Key)}, or one that begins with !`);
      },
    );
    const max = MaxResults === undefined ? PAGE_MAX : Number(MaxResults);
    if (!Number.isInteger(max) || max < 1 || max > PAGE_MAX)
      throw new ServiceError('ValidationException', `MaxResults must be from 1 to ${PAGE_MAX}.`);
    const names = Object.keys(this.#values)
      .filter((name) => prefixes.every((values) => values.some((prefix) => name.startsWith(prefix))))
      .toSorted((a, b) => this.#version(a).createdMs - this.#version(b).createdMs || (a < b ? -1 : 1));
    if (SortOrder !== 'asc') names.reverse();
    const from = NextToken === undefined ? 0 : names.indexOf(String(NextToken));
    if (from < 0) throw new ServiceError('InvalidNextTokenException', 'The NextToken value is invalid.');
    const next = names[from + max];
    return {
      SecretList: names.slice(from, from + max).map((name) => this.#described(name)),
      ...(next === undefined ? {} : { NextToken: next }),
    };
  }

  #create(input: Input): Output {
    const name = String(input.Name);
    if (!NAME.test(name)) {
      throw new ServiceError(
        'ValidationException',
        'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!',
      );
    }
    if (input.SecretString === undefined) throw notHere('CreateSecret without a SecretString');
    const value = checkedValue(input);
    const id = checkedToken(input);
    if (Object.hasOwn(this.#values, name)) {
      if (this.#version(name).id === id && this.#values[name] === value) return this.#written(name);
      throw new ServiceError(
        'ResourceExistsException',
        `The operation failed because the secret ${name} already exists.`,
      );
    }
    const atMs = this.#nowMs();
    return this.#write(name, value, { id, createdMs: atMs, changedMs: atMs });
  }

  #put(input: Input): Output {
    const name = this.#existing(input);
    const value = checkedValue(input);
    const id = checkedToken(input);
    const version = this.#version(name);
    if (version.id === id) {
      // The same request again changes nothing; another value cannot become the same version.
      if (this.#values[name] === value) return { ...this.#written(name), VersionStages: ['AWSCURRENT'] };
      throw new ServiceError(
        'ResourceExistsException',
        `You can't use ClientRequestToken ${id} because that value is already in use for a version of secret ${this.#arn(name)}.`,
      );
    }
    const written = this.#write(name, value, { ...version, id, changedMs: this.#nowMs() });
    return { ...written, VersionStages: ['AWSCURRENT'] };
  }

  #write(name: string, value: string, version: Version): Output {
    this.#values[name] = value;
    this.#versions[name] = version;
    this.#save();
    return this.#written(name);
  }

  #written(name: string): Output {
    return { ARN: this.#arn(name), Name: name, VersionId: this.#version(name).id };
  }

  #described(name: string): Output {
    const { id, createdMs, changedMs } = this.#version(name);
    return {
      ARN: this.#arn(name),
      Name: name,
      CreatedDate: createdMs / 1000,
      LastChangedDate: changedMs / 1000,
      VersionIdsToStages: { [id]: ['AWSCURRENT'] },
    };
  }

  /** Throws ServiceError ResourceNotFoundException. */
  #existing({ SecretId }: Input): string {
    const name = this.#nameOf(String(SecretId));
    if (name === undefined) throw new ServiceError('ResourceNotFoundException', NOT_FOUND);
    return name;
  }

  #nameOf(secretId: string): string | undefined {
    return Object.keys(this.#values).find((name) => {
      const arn = this.#arn(name);
      return secretId === name || secretId === arn || secretId === arn.slice(0, -SUFFIX.length);
    });
  }

  #arn(name: string): string {
    const { region, account } = this.#place;
    const known = this.#secrets.find((secret) => secret.name === name);
    return known?.arn ?? `arn:aws:secretsmanager:${region}:${account}:secret:${name}${SUFFIX}`;
  }

  #version(name: string): Version {
    return this.#versions[name] ?? FIRST;
  }

  #file(name: string): string {
    return path.join(this.#dataDir, name);
  }

  #save(): void {
    mkdirSync(this.#dataDir, { recursive: true });
    const write = (name: string, value: object): void =>
      writeFileSync(this.#file(name), `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
    write('secrets.json', this.#values);
    write('secret-versions.json', this.#versions);
  }
}

function readStored<T>(file: string): Record<string, T> {
  if (!existsSync(file)) return {};
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, T>;
  } catch (error) {
    throw new CloudError(
      'TEMPLATE_INVALID',
      `The secrets file ${file} is not readable: ${messageOf(error)}.`,
      'It is a JSON object by the names of the secrets; correct it, or delete it to have dummies generated.',
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
