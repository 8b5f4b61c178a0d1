/**
 * Who may speak with the console. It listens on loopback, but every page in the operator's browser and every program on
 * the machine can reach loopback too, so each request is judged before anything is done. Pure.
 */
import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export interface Refusal {
  readonly status: 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 421;
  readonly code: string;
  readonly message: string;
}

export interface GuardRules {
  readonly port: number;
  readonly token: string;
}

export interface AskedBy {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

/** Why a request is not answered; undefined where it may pass. */
export function refusalOf(
  { method, path, headers }: AskedBy,
  { port, token }: GuardRules,
): Refusal | undefined {
  // A name of somebody else's that resolves to 127.0.0.1 (DNS rebinding) would make his page same-origin with ours.
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  const host = headers.host ?? '';
  if (!hosts.includes(host))
    return refused(421, 'HOST_FOREIGN', `This console answers to ${hosts[0]} alone.`);
  const isApi = path.startsWith('/api/');
  const origin = headers.origin;
  const isForeign = origin !== undefined && origin !== `http://${host}`;
  if (isForeign || (method !== 'GET' && origin === undefined))
    return refused(403, 'ORIGIN_FOREIGN', 'Only the console’s own page may ask this.');
  const site = headers['sec-fetch-site'];
  if (isApi && site !== undefined && site !== 'same-origin')
    return refused(403, 'ORIGIN_FOREIGN', 'Only the console’s own page may ask this.');
  if (!isApi)
    return method === 'GET' ? undefined : refused(405, 'METHOD_WRONG', 'Only GET is answered here.');
  if (method !== 'POST') return refused(405, 'METHOD_WRONG', 'Only POST is answered here.');
  if (!/^application\/json\b/.test(headers['content-type'] ?? ''))
    return refused(415, 'TYPE_WRONG', 'Send JSON.');
  if (!isSame(headers.authorization ?? '', `Bearer ${token}`))
    return refused(
      401,
      'TOKEN_MISSING',
      'This page does not have the token of this start. Open the address that evenkeel console has printed.',
    );
  return undefined;
}

function refused(status: Refusal['status'], code: string, message: string): Refusal {
  return { status, code, message };
}

/** In constant time for texts of one length. */
function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Nothing from other hosts, nothing inline, no frame around us, nothing kept. */
export const safeHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; '),
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};
