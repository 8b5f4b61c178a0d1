/** The safety flags of an account, by the names that the operator guide gives them. */
import type { BookBody } from '../book/item.ts';

export interface Flags {
  /** Plans are computed and stored; nothing changes and no order leaves. */
  readonly DRY_RUN: boolean;
  /** Read only: no order is placed, modified or flattened. A person's cancel is still allowed. */
  readonly SAFE_MODE: boolean;
  /** A staged plan may be applied once it is approved. */
  readonly DRY_RUN_CONFIRM: boolean;
  /** Orders that the broker does not have are deleted instead of being marked. */
  readonly FORCE_SYNC_DELETE: boolean;
}

export type FlagName = keyof Flags;

export const flagNames = ['DRY_RUN', 'SAFE_MODE', 'DRY_RUN_CONFIRM', 'FORCE_SYNC_DELETE'] as const;

/** What holds before anybody has set a flag, and where the flags cannot be read: nothing leaves, nothing changes. */
export const firstFlags: Flags = {
  DRY_RUN: true,
  SAFE_MODE: true,
  DRY_RUN_CONFIRM: false,
  FORCE_SYNC_DELETE: false,
};

/** The steps of the operator guide. A flag that a step does not name stays as it is. */
export const flagPresets = {
  'dry-run': { DRY_RUN: true, SAFE_MODE: true, DRY_RUN_CONFIRM: false },
  stage: { DRY_RUN: false, SAFE_MODE: false, DRY_RUN_CONFIRM: false },
  execute: { DRY_RUN: false, SAFE_MODE: false, DRY_RUN_CONFIRM: true },
  rollback: { DRY_RUN: true, SAFE_MODE: true, DRY_RUN_CONFIRM: false, FORCE_SYNC_DELETE: false },
} as const satisfies Record<string, Partial<Flags>>;

export type FlagPreset = keyof typeof flagPresets;

export const flagPresetNames = Object.keys(flagPresets) as readonly FlagPreset[];

/**
 * Where the flags come from: `stored` in the book; `first`: nobody has set one yet; `unreadable`: the book did not
 * answer, or what it has is no set of flags.
 */
export type FlagsSource = 'stored' | 'first' | 'unreadable';

export interface FlagsReading {
  readonly flags: Flags;
  readonly source: FlagsSource;
  /** Why they are unreadable; `''` otherwise. */
  readonly problem: string;
  /** Who set them last, why and when (ISO-8601 UTC); `''` where nobody has. */
  readonly changedBy: string;
  readonly reason: string;
  readonly changedAt: string;
}

const unsaid = { changedBy: '', reason: '', changedAt: '' };

/** The flags that the body of the `FLAGS` item says; undefined for no item. Never throws. */
export function readFlags(body: BookBody | undefined): FlagsReading {
  if (body === undefined) return { flags: firstFlags, source: 'first', problem: '', ...unsaid };
  const wrong = flagNames.filter((name) => typeof body[name] !== 'boolean');
  if (wrong.length > 0) {
    return unreadableFlags(
      `the item FLAGS of the book has no true or false for ${wrong.join(', ')}; set all flags anew, for example by the preset dry-run`,
    );
  }
  return {
    flags: pick(body),
    source: 'stored',
    problem: '',
    changedBy: text(body.changedBy),
    reason: text(body.reason),
    changedAt: text(body.changedAt),
  };
}

/** Flags that cannot be trusted count as SAFE_MODE, with the reason for people. */
export function unreadableFlags(problem: string): FlagsReading {
  return { flags: firstFlags, source: 'unreadable', problem, ...unsaid };
}

/** Body of the `FLAGS` item. */
export function flagsBody(flags: Flags, changedBy: string, reason: string, changedAt: string): BookBody {
  return { ...flags, changedBy, reason, changedAt };
}

export function sameFlags(a: Flags, b: Flags): boolean {
  return flagNames.every((name) => a[name] === b[name]);
}

/** `SAFE_MODE=false DRY_RUN=false`: what an audit row and a person read. */
export function flagChangesText(changes: Partial<Flags>): string {
  return flagNames
    .filter((name) => changes[name] !== undefined)
    .map((name) => `${name}=${changes[name]}`)
    .join(' ');
}

function pick(body: BookBody): Flags {
  return {
    DRY_RUN: body.DRY_RUN === true,
    SAFE_MODE: body.SAFE_MODE === true,
    DRY_RUN_CONFIRM: body.DRY_RUN_CONFIRM === true,
    FORCE_SYNC_DELETE: body.FORCE_SYNC_DELETE === true,
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
