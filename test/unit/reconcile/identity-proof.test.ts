import { describe, expect, it } from 'vitest';
import {
  IdentityUnavailableError,
  presignIdentity,
  proveIdentity,
  StsVerifier,
} from '../../../lib/aws/identity-proof.ts';
import { type IdentityProof, proofHeader } from '../../../lib/ports/identity-proof.ts';
import { isApprover } from '../../../lib/reconcile/identity-proof.ts';

const hash = 'a'.repeat(64);
const region = 'eu-west-1';
const nowMs = Date.UTC(2026, 0, 5, 14, 30, 7, 123);
const credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: "FwoG+/=='()*! token",
};
const arn = 'arn:aws:sts::111122223333:assumed-role/DeskOperator/anna';
const said = `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>${arn}</Arn><UserId>x</UserId><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`;

const proof = presignIdentity('approve', hash, { credentials, region, nowMs });

function verifier(status = 200, body = said, atMs = nowMs) {
  const asked: { url: string; headers: unknown; redirect: unknown }[] = [];
  const fetch = async (url: URL | string | Request, init?: RequestInit) => {
    asked.push({
      url: url instanceof Request ? url.url : url.toString(),
      headers: init?.headers,
      redirect: init?.redirect,
    });
    return new Response(body, { status });
  };
  return { asked, verify: new StsVerifier({ nowMs: () => atMs, fetch }) };
}

function changed(from: string | RegExp, to: string): IdentityProof {
  const url = proof.url.replace(from, to);
  expect(url).not.toBe(proof.url);
  return { ...proof, url };
}

describe('a proof of identity', () => {
  it.each([
    ['approve', credentials, '15a649c6290a11705c589033dcd6216f52c4a00a17c74c870814656156c84e9c'],
    ['reject', credentials, 'cfab22b4a4a1eb9c4be16da912f3a6fb792f11632ee799b473307a564f2eb3cf'],
    [
      'reject',
      { accessKeyId: credentials.accessKeyId, secretAccessKey: credentials.secretAccessKey },
      'd5decf477f6c9e47a090156f089a3453728e3b625bb10c891885470d519c0d6a',
    ],
    // Signatures that the SDK's own signer (@smithy/signature-v4) makes of the same request.
  ] as const)('for %s is signed as AWS signs', (purpose, by, signature) => {
    const { url, headers } = presignIdentity(purpose, hash, { credentials: by, region, nowMs });
    expect(new URL(url).searchParams.get('X-Amz-Signature')).toBe(signature);
    expect(headers).toEqual({ [proofHeader]: purpose === 'approve' ? hash : `reject ${hash}` });
  });

  it('is made by the identity of a client, for the place that the environment names', async () => {
    const client = { config: { credentials: async () => credentials, region: async () => region } };
    const { url } = await proveIdentity(client, 'approve', hash, {
      endpoint: 'http://127.0.0.1:4566',
      nowMs,
    });
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:4566\/\?Action=GetCallerIdentity&/);
  });

  it.each([
    ['eu-west-1', 'sts.eu-west-1.amazonaws.com'],
    ['us-gov-west-1', 'sts.us-gov-west-1.amazonaws.com'],
    ['cn-north-1', 'sts.cn-north-1.amazonaws.com.cn'],
  ])('of the region %s is for %s, and taken', async (where, host) => {
    const made = presignIdentity('approve', hash, { credentials, region: where, nowMs });
    expect(new URL(made.url).host).toBe(host);
    expect(await verifier().verify.verify(made, 'approve', hash)).toMatchObject({ ok: true });
  });

  it('is sent to STS with the header that it signs, and the ARN of the answer is who signed', async () => {
    const { verify, asked } = verifier();
    const proven = await verify.verify(proof, 'approve', hash);
    expect(proven).toMatchObject({ ok: true, arn, awsAccount: '111122223333' });
    expect(proven.ok && proven.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(asked).toEqual([{ url: proof.url, headers: { [proofHeader]: hash }, redirect: 'error' }]);
  });

  it.each<[string, IdentityProof, string]>([
    [
      'another host',
      changed('sts.eu-west-1.amazonaws.com', 'sts.eu-west-1.amazonaws.com.example.org'),
      'APPROVAL_INVALID',
    ],
    [
      'a host that only begins so',
      changed('sts.eu-west-1.amazonaws.com', 'sts.example.com'),
      'APPROVAL_INVALID',
    ],
    ['a service that is not STS', changed('sts.eu-west-1', 's3.eu-west-1'), 'APPROVAL_INVALID'],
    ['no TLS', changed('https:', 'http:'), 'APPROVAL_INVALID'],
    ['another port', changed('.com/', '.com:8443/'), 'APPROVAL_INVALID'],
    ['a user in the URL', changed('https://', 'https://sts.amazonaws.com@'), 'APPROVAL_INVALID'],
    ['a path', changed('.com/?', '.com/x?'), 'APPROVAL_INVALID'],
    ['no URL', { ...proof, url: 'sts' }, 'APPROVAL_INVALID'],
    ['a URL of any length', changed('&Version', `&Version${'x'.repeat(4_000)}`), 'APPROVAL_INVALID'],
    ['another question', changed('GetCallerIdentity', 'GetSessionToken'), 'APPROVAL_INVALID'],
    ['a parameter more', changed('&Version', '&Extra=1&Version'), 'APPROVAL_INVALID'],
    ['a parameter twice', changed('&Version', '&Action=GetCallerIdentity&Version'), 'APPROVAL_INVALID'],
    ['no signature', changed(/&X-Amz-Signature=.*/, ''), 'APPROVAL_INVALID'],
    ['a signature in capitals', changed(/[0-9a-f]{64}$/, 'A'.repeat(64)), 'APPROVAL_INVALID'],
    ['the header not signed', changed(/host%3Bx-evenkeel-plan/, 'host'), 'APPROVAL_INVALID'],
    ['no header', { ...proof, headers: {} }, 'APPROVAL_INVALID'],
    ['a header more', { ...proof, headers: { ...proof.headers, host: 'x' } }, 'APPROVAL_INVALID'],
    ['another plan', { ...proof, headers: { [proofHeader]: 'b'.repeat(64) } }, 'APPROVAL_OTHER_PLAN'],
    [
      'another purpose',
      presignIdentity('reject', hash, { credentials, region, nowMs }),
      'APPROVAL_OTHER_PLAN',
    ],
  ])('with %s is refused, and nobody is asked', async (_what, wrong, code) => {
    const { verify, asked } = verifier();
    expect(await verify.verify(wrong, 'approve', hash)).toMatchObject({ ok: false, code });
    expect(asked).toEqual([]);
  });

  it.each([
    ['five minutes', 300_000, true],
    ['more', 301_000, false],
    ['a clock that is five minutes ahead', -299_000, true],
    ['a clock that is further ahead', -302_000, false],
  ])('counts for five minutes: %s', async (_what, laterMs, counts) => {
    const signedMs = Math.floor(nowMs / 1000) * 1000;
    const { verify, asked } = verifier(200, said, signedMs + laterMs);
    const proven = await verify.verify(proof, 'approve', hash);
    expect(proven).toMatchObject(counts ? { ok: true } : { ok: false, code: 'APPROVAL_EXPIRED' });
    expect(asked).toHaveLength(counts ? 1 : 0);
  });

  it.each([
    [
      403,
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match',
      'APPROVAL_FORBIDDEN',
    ],
    [
      403,
      'SignatureDoesNotMatch',
      'Signature expired: 20260105T143007Z is now earlier than',
      'APPROVAL_EXPIRED',
    ],
    [403, 'ExpiredToken', 'The security token included in the request is expired', 'APPROVAL_EXPIRED'],
    [
      403,
      'InvalidClientTokenId',
      'The security token included in the request is invalid.',
      'APPROVAL_FORBIDDEN',
    ],
  ])('that STS does not take is refused: %i %s %s', async (status, name, words, code) => {
    const body = `<ErrorResponse><Error><Code>${name}</Code><Message>${words}</Message></Error></ErrorResponse>`;
    expect(await verifier(status, body).verify.verify(proof, 'approve', hash)).toMatchObject({
      ok: false,
      code,
    });
  });

  it.each([
    [500, ''],
    [429, ''],
    [200, '<html>a portal</html>'],
    [200, `${said}${' '.repeat(20_000)}`],
  ])('is unknown where STS does not say who it is: %i', async (status, body) => {
    await expect(verifier(status, body).verify.verify(proof, 'approve', hash)).rejects.toThrow(
      IdentityUnavailableError,
    );
  });
});

describe('who may approve', () => {
  it.each([
    ['*', arn, true],
    ['arn:aws:sts::111122223333:assumed-role/DeskOperator/*', arn, true],
    ['arn:aws:sts::*:assumed-role/Desk*/a?na', arn, true],
    ['*/anna', arn, true],
    ['*anna*', arn, true],
    [arn, arn, true],
    ['arn:aws:sts::111122223333:assumed-role/Desk*', arn, true],
    ['arn:aws:sts::111122223333:assumed-role/DeskOperator', arn, false],
    ['DeskOperator', arn, false],
    ['*/ann', arn, false],
    ['', arn, false],
    ['*.*', arn, false],
  ])('%s and %s: %s', (pattern, who, may) => {
    const approvers = { awsAccount: '111122223333', patterns: ['nobody', pattern] };
    expect(isApprover({ arn: who, awsAccount: '111122223333' }, approvers)).toBe(may);
    expect(isApprover({ arn: who, awsAccount: '999999999999' }, approvers)).toBe(false);
  });
});
