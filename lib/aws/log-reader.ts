/** CloudWatch Logs behind the port. */
import {
  type CloudWatchLogsClient,
  FilterLogEventsCommand,
  ResourceNotFoundException,
} from '@aws-sdk/client-cloudwatch-logs';
import { LogGroupMissingError, type LogLine, type LogQuery, type LogReader } from '../ports/log-reader.ts';

export class CloudWatchLogReader implements LogReader {
  readonly #client: CloudWatchLogsClient;

  constructor(client: CloudWatchLogsClient) {
    this.#client = client;
  }

  async *lines({ group, streamPrefix, fromMs }: LogQuery): AsyncGenerator<LogLine, void, undefined> {
    let nextToken: string | undefined;
    do {
      const page = await this.#page(group, streamPrefix, fromMs, nextToken);
      // A page may be empty and not the last one.
      for (const event of page.events ?? []) {
        yield {
          atMs: event.timestamp ?? 0,
          stream: event.logStreamName ?? '',
          id: event.eventId ?? '',
          message: (event.message ?? '').trimEnd(),
        };
      }
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
  }

  async #page(
    logGroupName: string,
    streamPrefix: string | undefined,
    startTime: number,
    nextToken: string | undefined,
  ) {
    try {
      return await this.#client.send(
        new FilterLogEventsCommand({
          logGroupName,
          startTime,
          ...(streamPrefix === undefined ? {} : { logStreamNamePrefix: streamPrefix }),
          ...(nextToken === undefined ? {} : { nextToken }),
        }),
      );
    } catch (error) {
      if (error instanceof ResourceNotFoundException) throw new LogGroupMissingError(logGroupName);
      throw error;
    }
  }
}
