/**
 * Positions: what the broker has against what the book has, contract by contract. What differs is given the time that
 * its fills need, then it is a discrepancy with the action that cures it.
 */
import { closedPosition } from '../accounts/position-change.ts';
import type { Judgement, ReconcileContext } from './context.ts';
import { reportOf } from './holdings.ts';
import { recommendations } from './initial-state.ts';
import { judgeAbsence } from './naked.ts';
import { overtakenFills } from './overtaken-fills.ts';
import { gatherEvidence, type PositionEvidence } from './position-evidence.ts';
import { findExpiry, findPrice, findSize, type PositionFinding } from './position-findings.ts';
import { differingPositions, type PositionPair } from './position-pairs.ts';
import type { Pending, ReconcileInput } from './types.ts';
import { type UnreportedFills, unreportedFills } from './unreported-fills.ts';
import { differingRuns, isRecent, isYoung } from './youth.ts';

export function judgePositions(input: ReconcileInput, context: ReconcileContext): Judgement {
  const unreported = unreportedFills(input, context);
  if (context.positions === null) return withoutList(input, unreported);
  const pairs = differingPositions(input, context.positions);
  const evidenceOf = gatherEvidence(new Set(pairs.map(({ conId }) => conId)), input, context);
  const judged = pairs.map((pair) => judge(pair, evidenceOf(pair.conId), unreported, input, context));
  const findings = judged.flatMap(({ finding }) => (finding ? [finding] : []));
  const overtaken = overtakenFills(input, context, new Set(pairs.map(({ conId }) => conId)));
  return {
    discrepancies: [...findings.map(({ discrepancy }) => discrepancy), ...overtaken.discrepancies],
    pending: [...unreported.pending, ...judged.flatMap(({ pending }) => (pending ? [pending] : []))],
    actions: findings.flatMap(({ action }) => (action ? [action] : [])),
    fills: [...unreported.fills, ...findings.flatMap(({ fills }) => fills), ...overtaken.fills],
    recommendations: input.book.isFirstRun ? recommendations(input, context.positions.values()) : [],
    unjudged: [],
    absent: Object.assign({}, unreported.absent, ...judged.map(({ absent }) => absent)),
  };
}

/** The counts stand still while nobody can tell. */
function withoutList({ memory }: ReconcileInput, { fills, pending, absent }: UnreportedFills): Judgement {
  const kept = Object.entries(memory.absent).filter(([subject]) => /^(differing )?position /.test(subject));
  return {
    discrepancies: [],
    pending,
    actions: [],
    fills,
    unjudged: [],
    absent: { ...absent, ...Object.fromEntries(kept) },
  };
}

interface Judged {
  readonly finding?: PositionFinding;
  readonly pending?: Pending;
  readonly absent: { readonly [subject: string]: number };
}

function judge(
  pair: PositionPair,
  evidence: PositionEvidence,
  unreported: UnreportedFills,
  input: ReconcileInput,
  context: ReconcileContext,
): Judged {
  const { conId, row, stored } = pair;
  const subject = `position ${conId}`;
  const counter = row === undefined ? subject : `differing ${subject}`;
  const counted = input.memory.absent[counter] ?? 0;
  const runs = counted + 1;
  const waiting = (why: string, absent: Judged['absent']): Judged => ({
    pending: { subject, why, runs },
    absent,
  });
  const unsettled = context.unsettled.get(conId);
  if (unsettled !== undefined || isRecent(stored, context)) {
    // The count stands still while nobody can tell.
    const kept = counted > 0 ? { [counter]: counted } : {};
    return waiting(unsettled ?? 'the book was told of it just now', kept);
  }
  const absent = { [counter]: runs };
  if (row === undefined) {
    const { body } = stored!;
    const absence = judgeAbsence(body, pair.book, runs, evidence, input, context);
    if (absence.is === 'pending') return waiting(absence.why, absent);
    const report = closedPosition(body);
    const finding =
      absence.is === 'expired'
        ? findExpiry(pair, report, context)
        : findSize(pair, report, evidence, unreported, input, context);
    return { finding, absent };
  }
  if (isYoung(stored, context) && runs < differingRuns) {
    return waiting('it differs, and may have changed after the snapshot', absent);
  }
  const report = reportOf(row, pair.instrument);
  const finding = pair.priceAlone
    ? findPrice(pair, report, context)
    : findSize(pair, report, evidence, unreported, input, context);
  return { finding, absent };
}
