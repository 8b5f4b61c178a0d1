/** Timelines of faults: a JSON array of faults, each with `atTapeMs` or `atMs`. */
import { readFile } from 'node:fs/promises';
import { type Fault, type FaultInput, faultSchema } from './faults.ts';

export interface ScriptedFault {
  readonly fault: Fault;
  /** Tape time, Unix milliseconds, UTC: the fault comes between the rows before it and those at or after it. */
  readonly atTapeMs?: number;
  /** Wall milliseconds since the gateway began to listen. */
  readonly atMs?: number;
}

export type ScriptedFaultInput = FaultInput & ({ atTapeMs: number } | { atMs: number });

/** A script that is not what the gateway understands. The message lists every problem and what is allowed. */
export class ScriptError extends Error {
  override readonly name = 'ScriptError';
  readonly code = 'GATEWAY_SCRIPT';
}

export async function readScript(file: string): Promise<ScriptedFault[]> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (problem) {
    throw new ScriptError(`${file}: cannot be read as JSON (${(problem as Error).message}).`, {
      cause: problem,
    });
  }
  return parseScript(json, file);
}

export function parseScript(json: unknown, file = 'script'): ScriptedFault[] {
  if (!Array.isArray(json)) throw new ScriptError(`${file}: must be a JSON array of faults.`);
  const problems: string[] = [];
  const script = json.map((entry: unknown, index): ScriptedFault | undefined => {
    const { atTapeMs, atMs, ...fault } = (typeof entry === 'object' && entry !== null ? entry : {}) as Record<
      string,
      unknown
    >;
    const times = [atTapeMs, atMs].filter((time) => time !== undefined);
    if (times.length !== 1 || typeof times[0] !== 'number' || !Number.isFinite(times[0]) || times[0] < 0) {
      problems.push(
        `[${index}]: needs either atTapeMs (tape time) or atMs (since the start), a number of at least 0`,
      );
    }
    const parsed = parseFault(fault);
    if (typeof parsed === 'string') problems.push(`[${index}]: ${parsed}`);
    if (typeof parsed === 'string') return undefined;
    return typeof atTapeMs === 'number' ? { fault: parsed, atTapeMs } : { fault: parsed, atMs: Number(atMs) };
  });
  if (problems.length > 0) throw new ScriptError(`${file}: ${problems.join('; ')}.`);
  return script.filter((entry) => entry !== undefined);
}

export const faultTypes: readonly string[] = faultSchema.options.map((option) => option.shape.type.value);

/** A fault, or what is wrong with it. */
export function parseFault(json: unknown): Fault | string {
  const parsed = faultSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const { type } = (typeof json === 'object' && json !== null ? json : {}) as { type?: unknown };
  if (!faultTypes.includes(String(type))) {
    return `type ${JSON.stringify(type) ?? 'is missing'}; allowed are ${faultTypes.join(', ')}`;
  }
  return parsed.error.issues
    .map((issue) => `${issue.path.join('.') || '(all)'}: ${issue.message}`)
    .join('; ');
}
