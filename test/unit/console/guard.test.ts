import { describe, expect, it } from 'vitest';
import { type AskedBy, refusalOf, safeHeaders } from '../../../console/server/guard.ts';

const rules = { port: 5_000, token: 'the-token-of-this-start' };
const own = {
  host: '127.0.0.1:5000',
  origin: 'http://127.0.0.1:5000',
  'content-type': 'application/json',
  authorization: `Bearer ${rules.token}`,
};

function ask(headers: AskedBy['headers'], { method = 'POST', path = '/api/do' } = {}): string {
  return refusalOf({ method, path, headers }, rules)?.code ?? 'passes';
}

describe('who may speak with the console', () => {
  it('its own page may, under both names of loopback', () => {
    expect(ask(own)).toBe('passes');
    expect(ask({ ...own, host: 'localhost:5000', origin: 'http://localhost:5000' })).toBe('passes');
    expect(ask({ ...own, 'sec-fetch-site': 'same-origin' })).toBe('passes');
  });

  it.each([
    'evil.example:5000',
    'evil.example',
    '127.0.0.1',
    '127.0.0.1:5001',
    'localhost',
    '[::1]:5000',
    '',
  ])('not under the host name %s, not even for a file: DNS rebinding', (host) => {
    expect(ask({ ...own, host })).toBe('HOST_FOREIGN');
    expect(ask({ host }, { method: 'GET', path: '/' })).toBe('HOST_FOREIGN');
  });

  it.each([
    'http://evil.example',
    'https://127.0.0.1:5000',
    'http://localhost:5000',
    'http://127.0.0.1:5001',
    'null',
  ])('not from the origin %s', (origin) => {
    for (const path of ['/api/do', '/api/stream', '/api/ask', '/api/once'])
      expect(ask({ ...own, origin }, { path })).toBe('ORIGIN_FOREIGN');
    expect(ask({ host: own.host, origin }, { method: 'GET', path: '/page.js' })).toBe('ORIGIN_FOREIGN');
  });

  it('not without an origin, where something is asked', () => {
    const { origin: _, ...rest } = own;
    expect(ask(rest)).toBe('ORIGIN_FOREIGN');
    expect(ask(rest, { path: '/api/stream' })).toBe('ORIGIN_FOREIGN');
  });

  it.each(['cross-site', 'same-site', 'none'])('not as a request that the browser calls %s', (site) => {
    expect(ask({ ...own, 'sec-fetch-site': site })).toBe('ORIGIN_FOREIGN');
  });

  it.each([
    undefined,
    '',
    'Bearer ',
    'Bearer other',
    `bearer ${rules.token}`,
    `Bearer ${rules.token} `,
    rules.token,
  ])('not with the authorization %s', (authorization) => {
    expect(ask({ ...own, authorization })).toBe('TOKEN_MISSING');
  });

  it('not as a form or as plain text, which no preflight would ask about', () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', undefined])
      expect(ask({ ...own, 'content-type': type })).toBe('TYPE_WRONG');
  });

  it('nothing is asked by GET, and files are only got', () => {
    expect(ask(own, { method: 'GET' })).toBe('METHOD_WRONG');
    expect(ask(own, { method: 'POST', path: '/' })).toBe('METHOD_WRONG');
    expect(ask({ host: own.host }, { method: 'GET', path: '/' })).toBe('passes');
  });
});

it('nothing inline, nothing from elsewhere, nothing framed, nothing kept', () => {
  const policy = safeHeaders['content-security-policy'] ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe|https?:|\*|data:/);
  expect(safeHeaders).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
});
