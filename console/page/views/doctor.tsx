import type { Diagnosed } from '../../wire/shapes.ts';
import { Failed, useWork } from '../parts/asked.tsx';
import { Card, State, type Tone } from '../parts/words.tsx';

const tones: Readonly<Record<string, Tone>> = {
  ok: 'good',
  warning: 'warn',
  problem: 'bad',
  skipped: 'calm',
};

/** Every check of the stage in turn, and what to do about what it finds. */
export function Doctor() {
  const { isBusy, reply, result, begin } = useWork<Diagnosed>();
  return (
    <Card
      title="Doctor"
      wide
      aside={
        <button type="button" onClick={() => begin({ ask: 'doctor' })} disabled={isBusy}>
          {isBusy ? 'Looking…' : 'Look for what is wrong'}
        </button>
      }
    >
      <Failed reply={reply} />
      {result === undefined ? (
        <p class="dim">
          Checks configuration, credentials, tables, queues, backups, runs, streamer, gateway, clock and
          ticks; it takes up to half a minute.
        </p>
      ) : (
        <ul class="findings">
          {result.findings.map(({ check, state, message, advice }) => (
            <li key={check}>
              <State tone={tones[state] ?? 'info'}>{state}</State>
              <div>
                <strong>{check}</strong> {message}
                {advice === '' ? null : <p class="advice">{advice}</p>}
              </div>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
