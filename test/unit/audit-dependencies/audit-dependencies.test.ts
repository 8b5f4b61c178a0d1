/** The audit of dependencies, on answers of npm as they were given. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type Allowed, allowedSchema, judge } from '../../../bin/audit/findings.ts';
import { type Lock, type LockedPackage, lockProblems } from '../../../bin/audit/lock.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (file: string): unknown => JSON.parse(readFileSync(`${root}${file}`, 'utf8'));
const today = '2026-11-21';

const advisory = {
  source: 1_193_680,
  name: 'parser',
  dependency: 'parser',
  title: 'Reads beyond its end',
  url: 'https://github.com/advisories/GHSA-jrc7-96c5-q579',
  severity: 'critical',
  cwe: ['CWE-125'],
  cvss: { score: 9.8, vectorString: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' },
  range: '<=6.4.0',
};

function answer(...found: readonly object[]): string {
  const vulnerabilities: Record<string, object> = {
    // A package that is concerned only by what it depends on.
    reader: {
      name: 'reader',
      severity: 'critical',
      isDirect: true,
      via: ['parser'],
      effects: [],
      range: '*',
    },
    parser: {
      name: 'parser',
      severity: 'critical',
      isDirect: false,
      via: found,
      effects: ['reader'],
      range: '<=6.4.0',
    },
  };
  return JSON.stringify({
    auditReportVersion: 2,
    vulnerabilities: found.length === 0 ? {} : vulnerabilities,
    metadata: {
      vulnerabilities: { info: 0, low: 0, moderate: 0, high: 0, critical: found.length, total: found.length },
    },
  });
}

const entry: Allowed = {
  package: 'parser',
  advisory: 'GHSA-jrc7-96c5-q579',
  reason: 'Only what we wrote ourselves is parsed with it.',
  expires: '2026-12-31',
};

describe('what npm audit found', () => {
  it('nothing is nothing to do', () => {
    expect(judge(answer(), [], today)).toEqual({ kind: 'judged', problems: [] });
  });

  it('a vulnerability is named once, with what to do', () => {
    const verdict = judge(answer(advisory), [], today);
    expect(verdict).toEqual({
      kind: 'judged',
      problems: [expect.stringContaining('parser <=6.4.0 (critical)')],
    });
    expect(JSON.stringify(verdict)).toContain('GHSA-jrc7-96c5-q579');
  });

  it('what is neither high nor critical passes', () => {
    expect(judge(answer({ ...advisory, severity: 'moderate' }), [], today)).toEqual({
      kind: 'judged',
      problems: [],
    });
  });

  it('what is allowed passes to the last day of it', () => {
    expect(judge(answer(advisory), [entry], '2026-12-31')).toEqual({ kind: 'judged', problems: [] });
    expect(judge(answer(advisory), [entry], '2027-01-01')).toEqual({
      kind: 'judged',
      problems: [expect.stringContaining('was allowed until 2026-12-31')],
    });
  });

  it('an entry for another advisory or another package allows nothing, and is idle', () => {
    for (const other of [
      { ...entry, package: 'reader' },
      { ...entry, advisory: 'GHSA-aaaa-bbbb-cccc' },
    ]) {
      const verdict = judge(answer(advisory), [other], today);
      expect(verdict).toMatchObject({
        problems: [expect.stringContaining('parser'), expect.stringContaining('take the entry out')],
      });
    }
  });

  it.each([
    // As a registry without the endpoint answers, and as npm answers without a network.
    [
      {
        message: '405 Method Not Allowed - POST …/-/npm/v1/security/advisories/bulk',
        statusCode: 405,
        body: '',
        error: { summary: '', detail: '' },
      },
      /405/,
    ],
    [
      {
        message: 'request to …/-/npm/v1/security/audits/quick failed, reason: getaddrinfo ENOTFOUND',
        error: { summary: '', detail: '' },
      },
      /ENOTFOUND/,
    ],
    [
      { error: { code: 'ENOLOCK', summary: 'This command requires an existing lockfile.', detail: '' } },
      /lockfile/,
    ],
  ])('an answer that is none is no finding: %j', (told, why) => {
    const verdict = judge(JSON.stringify(told), [], today);
    expect(verdict).toMatchObject({ kind: 'unreachable', why: expect.stringMatching(why) });
  });

  it('silence and noise are no finding, but what has expired is said all the same', () => {
    for (const noise of ['', 'npm: spawnSync npm ETIMEDOUT', '<html>502</html>'])
      expect(judge(noise, [entry], today).kind).toBe('unreachable');
    expect(judge('', [entry], '2027-01-01')).toMatchObject({
      kind: 'judged',
      problems: [expect.stringContaining('until')],
    });
  });

  it('a form that is not known fails: it must not pass for a clean bill', () => {
    for (const told of [{}, { auditReportVersion: 3, vulnerabilities: {} }, [], null])
      expect(judge(JSON.stringify(told), [], today)).toMatchObject({
        kind: 'judged',
        problems: [expect.stringContaining('form')],
      });
  });
});

describe('the list of what is allowed', () => {
  it('stands, each entry with a reason and a day', () => {
    expect(() => allowedSchema.parse(read('.ci/audit-allowed.json'))).not.toThrow();
  });

  it.each([{ reason: 'ok' }, { expires: 'never' }, { advisory: 'all' }, { package: '' }])(
    '%j is refused',
    (wrong) => {
      expect(() => allowedSchema.parse([{ ...entry, ...wrong }])).toThrow();
    },
  );
});

describe('the lock file', () => {
  const good: LockedPackage = {
    version: '1.0.0',
    resolved: 'https://registry.example/a.tgz',
    integrity: 'sha512-x',
    license: 'MIT',
  };
  const lock = (each: LockedPackage): Lock => ({ packages: { '': {}, 'node_modules/@s/a': each } });

  it('of this project is as it should be', () => {
    const { allowScripts } = read('package.json') as { allowScripts: Record<string, boolean> };
    expect(lockProblems(read('package-lock.json') as Lock, allowScripts)).toEqual([]);
  });

  it.each<[LockedPackage, RegExp]>([
    [{ ...good, integrity: 'sha1-x' }, /no SHA-512/],
    [{ ...good, resolved: 'git+ssh://git@example.com/a.git' }, /not come from a registry/],
    [{ ...good, resolved: 'http://registry.example/a.tgz' }, /not come from a registry/],
    [{ license: 'MIT', version: 'file:../a', integrity: 'sha512-x' }, /not come from a registry/],
    [{ version: '1.0.0', license: 'MIT', optional: true }, /no SHA-512/],
    [{ ...good, link: true }, /a link to a folder/],
    [{ ...good, license: 'GPL-3.0-or-later' }, /licence "GPL-3.0-or-later"/],
    [{ ...good, license: 'MIT AND GPL-2.0' }, /licence/],
    [{ ...good, license: 'SEE LICENSE IN x' }, /licence/],
    [{ ...good, hasInstallScript: true }, /@s\/a has an install script/],
  ])('%j is told', (each, what) => {
    expect(lockProblems(lock(each), {})).toEqual([expect.stringMatching(what)]);
  });

  it.each<LockedPackage>([
    good,
    { ...good, license: '(MIT OR GPL-3.0-or-later)' },
    { ...good, license: 'MIT AND ISC' },
    { version: '1.0.0', integrity: 'sha512-x', license: 'MIT' },
    { version: '1.0.0', dev: true, optional: true },
    { version: '1.0.0', inBundle: true, license: 'ISC' },
    { ...good, dev: true, license: 'GPL-2.0' },
  ])('%j passes', (each) => {
    expect(lockProblems(lock(each), {})).toEqual([]);
  });

  it('a permission for a script that is not there is told', () => {
    expect(lockProblems(lock(good), { gone: true })).toEqual([expect.stringContaining('gone')]);
  });
});
