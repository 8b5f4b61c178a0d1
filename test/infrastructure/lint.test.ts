import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { type Stage, stages } from '../../lib/events/stage.ts';
import { stageTemplates } from '../helpers/stage-template.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'evenkeel-lint-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const isHere = spawnSync('cfn-lint', ['--version']).status === 0;
/** The sandbox's template is deployed nowhere, and paper differs from live in names; `npm run proof` asks about each. */
const linted: readonly Stage[] = process.env.EVENKEEL_PROOF === '1' ? stages : ['live'];

function lint(...files: string[]) {
  return spawnSync('cfn-lint', ['--format', 'parseable', ...files], { cwd: root, encoding: 'utf8' });
}

describe.skipIf(!isHere)(
  `cfn-lint${isHere ? '' : ' (skipped: it is not installed; pip install cfn-lint)'}`,
  () => {
    it(`finds nothing in ${linted.join(', ')}, but for the rules of .cfnlintrc.yml, and what is wrong in a wrong template`, async () => {
      const templates = await stageTemplates();
      const files = linted.map((stage) => join(templates[stage].assembly, `evenkeel-${stage}.template.json`));
      const wrong = join(scratch, 'wrong.template.json');
      const Queue = { Type: 'AWS::SQS::Queue', Properties: { MessageRetentionPeriod: 'two weeks' } };
      writeFileSync(wrong, JSON.stringify({ Resources: { Queue } }));
      // One call: half of a call is the start of cfn-lint.
      const { status, stdout, stderr } = lint(...files, wrong);
      const [first, ...more] = stdout.trim().split('\n');
      expect({ first, more, stderr, status }).toEqual({
        first: expect.stringMatching(/wrong\.template\.json:.*E3012/) as string,
        more: [],
        stderr: '',
        status: 2,
      });
    });
  },
);
