import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { synth } from '../../sandbox/cloud/synth.ts';
import { temporaryFolder } from '../helpers/cloud-fixture.ts';

const { folder, remove } = temporaryFolder();
afterAll(remove);

it('two callers at once share one synth, and the next one finds it', async () => {
  const said: string[] = [];
  const options = { stage: 'sandbox', outDir: folder, progress: (line: string) => said.push(line) };
  const both = await Promise.all([synth(options), synth(options)]);
  expect(both.filter((result) => result.cached)).toHaveLength(1);
  expect(new Set(both.map((result) => result.assembly)).size).toBe(1);
  expect(existsSync(`${both[0].assembly}/evenkeel-sandbox.template.json`)).toBe(true);
  // Which of the two comes first is the machine's affair; one of them does the work.
  expect(said.filter((line) => line.startsWith('Synthesising the stage sandbox'))).toHaveLength(1);
  expect(await synth(options)).toEqual({ ...both[0], cached: true });
  expect(readdirSync(path.join(folder, 'sandbox'))).toEqual([path.basename(both[0].assembly)]);
}, 60_000);

it('a stage that does not exist is named, nothing is left behind, and a stale lock is no obstacle', async () => {
  const other = path.join(folder, 'other');
  mkdirSync(path.join(other, 'nowhere'), { recursive: true });
  // The highest process id that Linux gives; no such process runs here.
  writeFileSync(path.join(other, 'nowhere', 'lock'), '4194303');
  const synthesising = synth({ stage: 'nowhere', outDir: other, progress: () => undefined });
  await expect(synthesising).rejects.toMatchObject({
    code: 'SYNTH_FAILED',
    message: expect.stringContaining('nowhere'),
  });
  expect(readdirSync(path.join(other, 'nowhere'))).toEqual([]);
}, 60_000);
