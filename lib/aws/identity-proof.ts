/**
 * Proofs of identity: a `sts:GetCallerIdentity` that is signed (SigV4, in the query) by whoever approves, and sent by who
 * has to know. STS checks the signature, so the ARN in its answer is the signer's; the signature also covers a header
 * that names the plan, so the proof is for that plan alone.
 */
import { createHash, createHmac } from 'node:crypto';
import {
  type IdentityProof,
  type IdentityVerifier,
  type ProofPurpose,
  type ProofRefusalCode,
  type ProvenIdentity,
  proofHeader,
  proofText,
} from '../ports/identity-proof.ts';

/** A proof is taken for so long after it was signed. */
export const proofValidMs = 300_000;
/** A signer's clock may be ahead by this much; AWS allows it as well. */
const clockAheadMs = 300_000;
const answerBytesMax = 20_000;
const urlLengthMax = 4_000;
const patienceMs = 6_000;

/** STS of the world, of a region, of FIPS, of China. Nothing else is ever called. */
const stsHost = /^sts(-fips)?(\.[a-z]{2}(-[a-z]+)+-\d)?\.amazonaws\.com(\.cn)?$/;
const emptyHash = createHash('sha256').update('').digest('hex');
const signedHeaders = `host;${proofHeader}`;

export interface SigningCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface PresignOptions {
  readonly credentials: SigningCredentials;
  readonly region: string;
  /** Of the sandbox's local cloud; STS of the region when left out. */
  readonly endpoint?: string | undefined;
  readonly nowMs: number;
}

/** The part of an STS client that says who signs, and where; every client of the SDK has it. */
export interface SignerConfig {
  readonly config: {
    readonly credentials: () => Promise<SigningCredentials>;
    readonly region: () => Promise<string>;
  };
}

/**
 * A proof by the identity of an SDK client.
 *
 * @param endpoint of the sandbox, as the environment has it (`AWS_ENDPOINT_URL`)
 */
export async function proveIdentity(
  { config }: SignerConfig,
  purpose: ProofPurpose,
  planHash: string,
  { endpoint, nowMs = Date.now() }: { readonly endpoint?: string | undefined; readonly nowMs?: number } = {},
): Promise<IdentityProof> {
  const [credentials, region] = await Promise.all([config.credentials(), config.region()]);
  return presignIdentity(purpose, planHash, { credentials, region, endpoint, nowMs });
}

/** Signs the request; sends nothing. */
export function presignIdentity(
  purpose: ProofPurpose,
  planHash: string,
  { credentials, region, endpoint, nowMs }: PresignOptions,
): IdentityProof {
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  const { protocol, host } = new URL(endpoint ?? `https://sts.${region}.${domain}`);
  const text = proofText(purpose, planHash);
  const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d{3}/g, '');
  const scope = `${time.slice(0, 8)}/${region}/sts/aws4_request`;
  const query = canonicalQuery({
    Action: 'GetCallerIdentity',
    Version: '2011-06-15',
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${credentials.accessKeyId}/${scope}`,
    'X-Amz-Date': time,
    'X-Amz-Expires': String(proofValidMs / 1000),
    ...(credentials.sessionToken === undefined ? {} : { 'X-Amz-Security-Token': credentials.sessionToken }),
    'X-Amz-SignedHeaders': signedHeaders,
  });
  const request = ['GET', '/', query, `host:${host}`, `${proofHeader}:${text}`, '', signedHeaders, emptyHash];
  const hash = createHash('sha256').update(request.join('\n')).digest('hex');
  const toSign = ['AWS4-HMAC-SHA256', time, scope, hash].join('\n');
  const key = [time.slice(0, 8), region, 'sts', 'aws4_request'].reduce<string | Buffer>(
    (former, part) => hmac(former, part),
    `AWS4${credentials.secretAccessKey}`,
  );
  const signature = hmac(key, toSign).toString('hex');
  return {
    url: `${protocol}//${host}/?${query}&X-Amz-Signature=${signature}`,
    headers: { [proofHeader]: text },
  };
}

/** STS did not answer: nothing is known of the signer. */
export class IdentityUnavailableError extends Error {
  override readonly name = 'IdentityUnavailableError';
  readonly code = 'IDENTITY_UNAVAILABLE';

  constructor(why: string, options?: ErrorOptions) {
    super(
      `IDENTITY_UNAVAILABLE: STS did not say who signed the proof (${why}); nothing was changed. Approve again.`,
      options,
    );
  }
}

export interface StsVerifierOptions {
  /** Of the sandbox's local cloud: the one place besides STS that may be asked. Never on a deployed stage. */
  readonly endpoint?: string | undefined;
  readonly nowMs?: () => number;
  readonly fetch?: typeof globalThis.fetch;
}

export class StsVerifier implements IdentityVerifier {
  readonly #endpoint: URL | undefined;
  readonly #nowMs: () => number;
  readonly #fetch: typeof globalThis.fetch;

  constructor({ endpoint, nowMs = Date.now, fetch = globalThis.fetch }: StsVerifierOptions = {}) {
    this.#endpoint = endpoint === undefined ? undefined : new URL(endpoint);
    this.#nowMs = nowMs;
    this.#fetch = fetch;
  }

  /** @throws IdentityUnavailableError */
  async verify(proof: IdentityProof, purpose: ProofPurpose, planHash: string): Promise<ProvenIdentity> {
    const checked = this.#check(proof, proofText(purpose, planHash));
    return checked.ok ? this.#ask(checked) : checked;
  }

  /** Everything that can be seen without asking: that it goes to STS, asks who signed, names this plan, and is young. */
  #check(
    { url: text, headers }: IdentityProof,
    expected: string,
  ): { ok: true; url: URL; text: string; signature: string } | Refused {
    const url = text.length > urlLengthMax ? null : URL.parse(text);
    if (url === null) return no('APPROVAL_INVALID', 'its URL cannot be read');
    if (!this.#isSts(url)) return no('APPROVAL_INVALID', `it is addressed to ${url.host}, which is not STS`);
    const query = readQuery(url);
    if (query === undefined) return no('APPROVAL_INVALID', 'it does not ask for GetCallerIdentity alone');
    const { 'X-Amz-Date': date, 'X-Amz-Signature': signature, 'X-Amz-SignedHeaders': signed } = query;
    const names = Object.keys(headers);
    if (signed !== signedHeaders || names.length !== 1 || names[0] !== proofHeader) {
      return no('APPROVAL_INVALID', `it does not sign the headers host and ${proofHeader}, and these alone`);
    }
    if (headers[proofHeader] !== expected) {
      return no('APPROVAL_OTHER_PLAN', `it was signed for "${(headers[proofHeader] ?? '').slice(0, 100)}"`);
    }
    const signedMs = timeOf(date);
    const nowMs = this.#nowMs();
    if (signedMs === undefined || !/^[0-9a-f]{64}$/.test(signature ?? '')) {
      return no('APPROVAL_INVALID', 'it has no date or no signature');
    }
    if (nowMs - signedMs > proofValidMs)
      return no('APPROVAL_EXPIRED', `it was signed at ${isoUtc(signedMs)}`);
    if (signedMs - nowMs > clockAheadMs) {
      return no('APPROVAL_EXPIRED', `it was signed at ${isoUtc(signedMs)}, which is yet to come`);
    }
    return { ok: true, url, text: expected, signature: signature ?? '' };
  }

  #isSts(url: URL): boolean {
    if (url.username !== '' || url.password !== '' || url.pathname !== '/' || url.hash !== '') return false;
    if (this.#endpoint !== undefined && url.origin === this.#endpoint.origin) return true;
    return url.protocol === 'https:' && url.port === '' && stsHost.test(url.hostname);
  }

  async #ask({
    url,
    text,
    signature,
  }: {
    url: URL;
    text: string;
    signature: string;
  }): Promise<ProvenIdentity> {
    let status: number;
    let answer: string;
    try {
      const response = await this.#fetch(url, {
        headers: { [proofHeader]: text },
        redirect: 'error',
        signal: AbortSignal.timeout(patienceMs),
      });
      status = response.status;
      answer = await response.text();
    } catch (error) {
      throw new IdentityUnavailableError(error instanceof Error ? error.message : String(error), {
        cause: error,
      });
    }
    if (status >= 500 || status === 429) throw new IdentityUnavailableError(`status ${status}`);
    if (status !== 200) return refusedBySts(answer);
    const arn = answer.length > answerBytesMax ? undefined : member(answer, 'Arn');
    const awsAccount = member(answer, 'Account');
    if (arn === undefined || awsAccount === undefined)
      throw new IdentityUnavailableError('its answer names nobody');
    return { ok: true, arn, awsAccount, sha256: createHash('sha256').update(signature).digest('hex') };
  }
}

type Refused = Extract<ProvenIdentity, { ok: false }>;

function no(code: ProofRefusalCode, problem: string): Refused {
  return { ok: false, code, problem };
}

/** STS names an expired signature like a wrong one, and says which in its words. */
function refusedBySts(answer: string): Refused {
  const code = member(answer, 'Code') ?? 'an answer without a code';
  const words = (member(answer, 'Message') ?? '').slice(0, 200);
  const isOver = code === 'ExpiredToken' || code === 'ExpiredTokenException' || /expired/i.test(words);
  return no(isOver ? 'APPROVAL_EXPIRED' : 'APPROVAL_FORBIDDEN', `STS answered ${code}: ${words}`);
}

const known = new Set([
  'Action',
  'Version',
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Date',
  'X-Amz-Expires',
  'X-Amz-Security-Token',
  'X-Amz-Signature',
  'X-Amz-SignedHeaders',
]);

/** The parameters, each once; undefined where it asks for anything else. */
function readQuery(url: URL): { readonly [name: string]: string } | undefined {
  const entries = [...url.searchParams];
  const query = Object.fromEntries(entries);
  if (Object.keys(query).length !== entries.length || entries.some(([name]) => !known.has(name)))
    return undefined;
  if (query.Action !== 'GetCallerIdentity' || query['X-Amz-Algorithm'] !== 'AWS4-HMAC-SHA256')
    return undefined;
  return query;
}

function timeOf(text: string | undefined): number | undefined {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text ?? '') ?? [];
  const ms = Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
  return Number.isNaN(ms) ? undefined : ms;
}

/** Text of an element; STS's answers have each of those asked for once. */
function member(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]+)</${name}>`).exec(xml)?.[1];
}

function canonicalQuery(parameters: { readonly [name: string]: string }): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function isoUtc(ms: number): string {
  return new Date(ms).toISOString();
}
