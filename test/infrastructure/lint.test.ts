import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { stages } from '../../lib/events/stage.ts';
import { stageTemplates } from '../helpers/stage-template.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'evenkeel-lint-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const isHere = spawnSync('cfn-lint', ['--version']).status === 0;

describe.skipIf(!isHere)(
  `cfn-lint${isHere ? '' : ' (skipped: it is not installed; pip install cfn-lint)'}`,
  () => {
    it('finds nothing in any stage, but for the rules of .cfnlintrc.yml', async () => {
      const templates = await stageTemplates();
      const files = stages.map((stage) => join(templates[stage].assembly, `evenkeel-${stage}.template.json`));
      const { status, stdout, stderr } = spawnSync('cfn-lint', ['--format', 'parseable', ...files], {
        cwd: root,
        encoding: 'utf8',
      });
      expect({ stdout, stderr, status }).toEqual({ stdout: '', stderr: '', status: 0 });
    });

    it('would find something', async () => {
      const { template } = (await stageTemplates()).sandbox;
      const json = structuredClone(template.toJSON()) as {
        Resources: Record<string, { Properties: object }>;
      };
      const [id] = Object.keys(template.findResources('AWS::SQS::Queue'));
      json.Resources[id ?? '']!.Properties = { MessageRetentionPeriod: 'two weeks' };
      const file = join(scratch, 'wrong.template.json');
      writeFileSync(file, JSON.stringify(json));
      const { status, stdout } = spawnSync('cfn-lint', ['--format', 'parseable', file], {
        cwd: root,
        encoding: 'utf8',
      });
      expect({ status, stdout }).toEqual({ status: 2, stdout: expect.stringContaining('E3012') as string });
    });
  },
);
