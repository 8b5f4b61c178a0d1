/** The function's environment, checked by hand: zod would make its bundle larger than a function may be. */
import { EnvironmentError } from '../../config/env.ts';
import { type Stage, stages } from '../../lib/events/stage.ts';

const texts = ['BOOK_TABLE', 'AUDIT_TABLE', 'CANDLES_TABLE', 'ARCHIVE_BUCKET', 'EVENT_BUS_NAME'] as const;

export type ArchiveEnv = Readonly<Record<(typeof texts)[number], string>> & { readonly STAGE: Stage };

/** @throws EnvironmentError with a line for each variable that is missing or wrong */
export function readArchiveEnv(env: Readonly<Record<string, string | undefined>> = process.env): ArchiveEnv {
  const stage = stages.find((name) => name === env.STAGE);
  const problems: { variable: string; problem: string }[] = texts.flatMap((variable) => {
    if (env[variable]) return [];
    return [
      { variable, problem: env[variable] === undefined ? 'is missing' : 'is ""; it must not be empty' },
    ];
  });
  if (stage === undefined) {
    const given = env.STAGE === undefined ? 'is missing' : `is ${JSON.stringify(env.STAGE)}`;
    problems.unshift({ variable: 'STAGE', problem: `${given}; it must be one of ${stages.join(', ')}` });
  }
  if (stage === undefined || problems.length > 0) throw new EnvironmentError(problems);
  const read = (name: string) => env[name] ?? '';
  return {
    STAGE: stage,
    BOOK_TABLE: read('BOOK_TABLE'),
    AUDIT_TABLE: read('AUDIT_TABLE'),
    CANDLES_TABLE: read('CANDLES_TABLE'),
    ARCHIVE_BUCKET: read('ARCHIVE_BUCKET'),
    EVENT_BUS_NAME: read('EVENT_BUS_NAME'),
  };
}
