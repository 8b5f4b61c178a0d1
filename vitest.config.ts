import { defineConfig } from 'vitest/config';

/** Unit tests run in parallel; system tests (real sockets, real engines, real processes) two files at a time. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/{unit,scenarios,infrastructure,docs}/**/*.test.ts'],
          globalSetup: ['test/helpers/global-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'system',
          include: ['test/system/**/*.test.ts'],
          globalSetup: ['test/helpers/global-setup.ts'],
          // Most of them wait for processes and sockets; more than two at once would fight over the cores.
          maxWorkers: 2,
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
