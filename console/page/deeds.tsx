/** What a person can have done from the page, each with what it does and what it does not. */
import type { PlanRecord } from '../../lib/domain/reconcile/records.ts';
import { type FlagName, flagPresets } from '../../lib/domain/safety/flags.ts';
import { count } from './format.ts';
import type { Deed } from './parts/dialog.tsx';

const shortHash = 8;

export function approveDeed({ hash, actions }: PlanRecord, account: string, exceptAmbiguous = false): Deed {
  return {
    title: exceptAmbiguous ? 'Stage what is not ambiguous' : 'Approve the plan',
    body: exceptAmbiguous ? (
      <p>Nothing is changed yet: what is not ambiguous of it becomes a plan of its own, with its own hash.</p>
    ) : (
      <p>
        This applies <strong>{count(actions, 'action')}</strong> to <strong>{account}</strong>, exactly as you
        have read them, after a backup. If the book or the broker has moved since, it is refused. Your AWS
        identity goes to the audit trail.
      </p>
    ),
    button: exceptAmbiguous ? 'Stage the rest' : 'Approve and apply',
    typed: hash.slice(0, shortHash),
    isGrave: !exceptAmbiguous,
    action: ({ reason, typed }) => ({ action: 'approve', hash, typed, reason, exceptAmbiguous }),
    done: (result) => {
      const { done, backup_id: backup } = result as { readonly done?: number; readonly backup_id?: string };
      if (exceptAmbiguous) return 'The rest is a plan of its own: review it.';
      return `Applied: ${count(done ?? actions, 'action')}, each with its audit row.${backup ? ` What was there before is in ${backup}.` : ''}`;
    },
  };
}

export function rejectDeed({ hash }: PlanRecord): Deed {
  return {
    title: 'Reject the plan',
    body: <p>It is never applied. The next reconcile stages what it finds then.</p>,
    button: 'Reject',
    isGrave: true,
    action: ({ reason }) => ({ action: 'reject', hash, reason }),
    done: () => 'Rejected: this plan is never applied.',
  };
}

export function flagDeed(name: FlagName, value: boolean, meaning: string): Deed {
  return {
    title: `Set ${name} to ${value}`,
    body: <p>{meaning}</p>,
    button: `Set to ${value}`,
    isGrave: name === 'FORCE_SYNC_DELETE' ? value : name === 'DRY_RUN_CONFIRM' ? value : !value,
    action: ({ reason }) => ({ action: 'flag', name, value, reason }),
    done: () => `${name} is ${value}.`,
  };
}

export function presetDeed(name: keyof typeof flagPresets, meaning: string): Deed {
  return {
    title: `Preset ${name}`,
    body: (
      <>
        <p>{meaning}</p>
        <ul class="plain">
          {Object.entries(flagPresets[name]).map(([flag, value]) => (
            <li key={flag}>
              <code>{flag}</code> becomes <strong>{String(value)}</strong>
            </li>
          ))}
        </ul>
      </>
    ),
    button: `Set ${name}`,
    isGrave: name === 'execute',
    action: ({ reason }) => ({ action: 'preset', name, reason }),
    done: () => `The flags stand as the preset ${name} says.`,
  };
}

const tradings = {
  halt: {
    title: 'Halt trading',
    body: 'No order leaves any more, also after a restart, until somebody resumes; a cancel does. What works at IB stays.',
    button: 'Halt',
  },
  'reduce-only': {
    title: 'Reduce only',
    body: 'Only what makes a position smaller, or protects it, leaves.',
    button: 'Reduce only',
  },
  resume: {
    title: 'Resume trading',
    body: 'Ends a halt or reduce-only. Flags, lock and limits hold as they stand.',
    button: 'Resume',
  },
} as const;

export function tradingDeed(mode: keyof typeof tradings): Deed {
  const { title, body, button } = tradings[mode];
  return {
    title,
    body: <p>{body}</p>,
    button,
    isGrave: mode !== 'reduce-only',
    action: ({ reason }) => ({ action: 'trading', mode, reason }),
    done: () => (mode === 'resume' ? 'Trading is resumed.' : `Trading is set: ${mode}.`),
  };
}

export function reconcileDeed(account: string): Deed {
  return {
    title: 'Reconcile now',
    body: (
      <p>
        Compares what IB has with the book of <strong>{account}</strong>, and stages what should change.
        Nothing changes before a plan is approved.
      </p>
    ),
    button: 'Reconcile',
    action: ({ reason }) => ({ action: 'reconcile', reason }),
    done: (result) => {
      const { status, summary } = result as { readonly status: string; readonly summary: string };
      return `${status}. ${summary}`;
    },
  };
}

export function acknowledgeDeed(id: string, isCritical: boolean): Deed {
  return {
    title: 'Acknowledge',
    body: (
      <p>
        You know of <code>{id}</code>: it is no longer escalated.
        {isCritical ? ' It is CRITICAL, so it locks trading all the same.' : ''}
      </p>
    ),
    button: 'Acknowledge',
    action: ({ reason }) => ({ action: 'acknowledge', id, reason }),
    done: () => 'Acknowledged, with its audit row.',
  };
}

export function backupDeed(stage: string): Deed {
  return {
    title: 'Back up now',
    body: (
      <p>
        Book and audit trail of every account of the stage <strong>{stage}</strong>, to checksummed parts with
        a manifest.
      </p>
    ),
    button: 'Back up',
    action: ({ reason }) => ({ action: 'backup', reason }),
    done: (result) => `Backup made: ${(result as { readonly id: string }).id}.`,
  };
}

export function alertDeed(id: string): Deed {
  return {
    title: 'Acknowledge the alert',
    why: 'Why, for the others',
    body: (
      <p>
        You know of <code>{id}</code>, and look after it.
      </p>
    ),
    button: 'Acknowledge',
    action: ({ reason }) => ({ action: 'alert-ack', id, reason }),
    done: () => 'Acknowledged.',
  };
}
