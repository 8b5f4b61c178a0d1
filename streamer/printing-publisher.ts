import type { Envelope } from '../lib/events/envelope.ts';
import type { EventPublisher, PublishResult } from '../lib/ports/event-publisher.ts';

/** Writes events to standard output, one JSON line each: the streamer without a cloud. */
export class PrintingPublisher implements EventPublisher {
  publish(events: readonly Envelope[]): Promise<readonly PublishResult[]> {
    const lines = events.map((event) => `${JSON.stringify(event)}\n`).join('');
    return new Promise((resolve) => {
      process.stdout.write(lines, (error) =>
        resolve(
          events.map(() => (error ? { ok: false, code: error.name, message: error.message } : { ok: true })),
        ),
      );
    });
  }
}
