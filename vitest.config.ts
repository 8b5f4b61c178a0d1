import { globSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
// What the tests start keeps what Node compiled, as programs do.
import './bin/compile-cache.mjs';

const globalSetup = ['test/helpers/global-setup.ts'];
/** Of the whole run, not of each project. */
const runSetup = ['test/helpers/scratch-root.ts'];

/** System tests wait for processes and sockets for a good half of their time: two to a core keep both cores busy. */
const maxWorkers = Math.max(4, availableParallelism());

/** Tests share a worker's modules, but for those that change what others would see. */
const unit = ['test/{unit,scenarios,docs}/**/*.test.ts'];
const system = ['test/system/**/*.test.ts'];
const changesModules =
  /\bvi\.(mock|doMock|resetModules|stubEnv|stubGlobal)\(|process\.env\S* = |process\.chdir\(/;
const alone = globSync([...unit, ...system]).filter((file) =>
  changesModules.test(readFileSync(file, 'utf8')),
);

/** For progress, however busy the machine is. */
const patient = { poll: { timeout: 60_000 } };

/** Begun first, so that none of them is still under way when everything else is done. */
const longest = [
  'system/outages',
  'infrastructure/',
  'system/trading-day',
  'system/orders-blocked',
  'system/bad-input',
  'system/orders-stop',
  'system/exactly-once-killed',
  'system/tape-to-table',
  'system/cli',
  'system/restore',
  'system/',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const found = longest.findIndex((part) => moduleId.includes(`/test/${part}`));
      return found === -1 ? longest.length : found;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    globalSetup: runSetup,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: unit,
          exclude: alone,
          globalSetup,
          expect: patient,
          maxWorkers,
          isolate: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'alone',
          include: ['test/infrastructure/**/*.test.ts', ...alone],
          globalSetup,
          expect: patient,
          maxWorkers,
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
      {
        test: {
          name: 'system',
          include: system,
          exclude: alone,
          globalSetup,
          expect: patient,
          maxWorkers,
          isolate: false,
          maxConcurrency: 2,
          testTimeout: 240_000,
          hookTimeout: 120_000,
        },
      },
    ],
    coverage: {
      provider: 'v8',
      include: ['lib/**', 'functions/**', 'streamer/**', 'sandbox/**', 'config/**'],
      reporter: ['text-summary', 'html'],
    },
  },
});
