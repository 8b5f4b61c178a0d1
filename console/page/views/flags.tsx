import { useState } from 'preact/hooks';
import {
  type FlagName,
  flagNames,
  flagPresetNames,
  type flagPresets,
} from '../../../lib/domain/safety/flags.ts';
import type { StatusShown } from '../../wire/shapes.ts';
import { flagDeed, presetDeed, tradingDeed } from '../deeds.tsx';
import { who } from '../format.ts';
import { type Deed, DeedDialog } from '../parts/dialog.tsx';
import { Known } from '../parts/known.tsx';
import { Card, Moment, State } from '../parts/words.tsx';
import { headOf } from '../topics.ts';

const meanings: Readonly<Record<FlagName, readonly [whenTrue: string, whenFalse: string]>> = {
  DRY_RUN: ['Plans are computed and stored, nothing changes, no order leaves.', 'Changes are made.'],
  SAFE_MODE: ['Read only: nothing is placed, modified or flattened.', 'Trading is not held by this flag.'],
  DRY_RUN_CONFIRM: ['A plan is applied once it is approved.', 'Plans are staged and cannot be applied.'],
  FORCE_SYNC_DELETE: [
    'Orders that IB does not have are deleted.',
    'Orders that IB does not have are marked.',
  ],
};

const presets: Readonly<Record<keyof typeof flagPresets, string>> = {
  'dry-run': 'Step 1 of the guide: look, and change nothing.',
  stage: 'Step 2: stage what should change, and apply nothing.',
  execute: 'Step 3: a plan that was approved is applied.',
  rollback: 'Back to safe: nothing changes, no order leaves.',
};

/** The value under which nothing can be changed by mistake. */
const careful: Readonly<Record<FlagName, boolean>> = {
  DRY_RUN: true,
  SAFE_MODE: true,
  DRY_RUN_CONFIRM: false,
  FORCE_SYNC_DELETE: false,
};

export function FlagsView() {
  const [deed, setDeed] = useState<Deed | null>(null);
  return (
    <>
      <Known topics={['status']}>
        {() => {
          const { flags, trading } = headOf<StatusShown>('status')!;
          return (
            <>
              <Card title="Safety flags" wide>
                {flags.source === 'unreadable' ? (
                  <div class="fault" role="alert">
                    Unreadable, so SAFE_MODE holds: {flags.problem}
                  </div>
                ) : null}
                <ul class="switches">
                  {flagNames.map((name) => {
                    const value = flags.flags[name];
                    return (
                      <li key={name}>
                        <div>
                          <h3>{name}</h3>
                          <p class="dim">{meanings[name][value ? 0 : 1]}</p>
                        </div>
                        <State tone={value === careful[name] ? 'good' : 'warn'}>{String(value)}</State>
                        <button
                          type="button"
                          onClick={() => setDeed(flagDeed(name, !value, meanings[name][value ? 1 : 0]))}
                        >
                          Set to {String(!value)}…
                        </button>
                      </li>
                    );
                  })}
                </ul>
                <p class="dim">
                  {flags.source === 'first' ? (
                    'Nobody has set a flag yet: this is what holds from the start.'
                  ) : (
                    <>
                      Last set <Moment at={flags.changedAt} /> by {who(flags.changedBy)}: {flags.reason}
                    </>
                  )}
                </p>
              </Card>
              <Card title="Presets" wide>
                <ul class="switches">
                  {flagPresetNames.map((name) => (
                    <li key={name}>
                      <div>
                        <h3>{name}</h3>
                        <p class="dim">{presets[name]}</p>
                      </div>
                      <span />
                      <button type="button" onClick={() => setDeed(presetDeed(name, presets[name]))}>
                        Set {name}…
                      </button>
                    </li>
                  ))}
                </ul>
              </Card>
              <Card
                title="Trading"
                wide
                aside={<State tone={trading.mode === 'active' ? 'good' : 'bad'}>{trading.mode}</State>}
              >
                <p class="dim">
                  {trading.source === 'first' ? (
                    'It was never halted.'
                  ) : (
                    <>
                      Set <Moment at={trading.at} /> by {who(trading.by)}: {trading.reason}
                    </>
                  )}
                </p>
                <div class="buttons start">
                  <button
                    type="button"
                    class="grave"
                    disabled={trading.mode === 'halted'}
                    onClick={() => setDeed(tradingDeed('halt'))}
                  >
                    Halt…
                  </button>
                  <button
                    type="button"
                    disabled={trading.mode === 'reduce-only'}
                    onClick={() => setDeed(tradingDeed('reduce-only'))}
                  >
                    Reduce only…
                  </button>
                  <button
                    type="button"
                    disabled={trading.mode === 'active'}
                    onClick={() => setDeed(tradingDeed('resume'))}
                  >
                    Resume…
                  </button>
                </div>
              </Card>
            </>
          );
        }}
      </Known>
      {deed === null ? null : <DeedDialog deed={deed} close={() => setDeed(null)} />}
    </>
  );
}
