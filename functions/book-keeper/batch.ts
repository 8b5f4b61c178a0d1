/** A batch of a FIFO queue: groups beside each other, the messages of a group one after the other. */
import type { SQSBatchResponse, SQSRecord } from 'aws-lambda';
import type { BookMessage } from './refusal.ts';

/**
 * Hands over the messages. After one that fails, the later ones of its group are not tried: handing a later one over
 * first would break the order that the queue keeps.
 *
 * @param handle throws for a message that is to come again
 * @param mayGoOn false when the function's time is nearly over: what is left comes again
 */
export async function handleGroups(
  records: readonly SQSRecord[],
  handle: (message: BookMessage) => Promise<void>,
  mayGoOn: () => boolean,
): Promise<SQSBatchResponse> {
  const groups = Map.groupBy(records, (record) => record.attributes.MessageGroupId ?? '');
  const failed = await Promise.all(
    [...groups].map(async ([group, members]) => {
      for (const [index, { messageId, body, attributes }] of members.entries()) {
        try {
          if (!mayGoOn()) return members.slice(index);
          const sentMs = Number(attributes.SentTimestamp);
          const receivedMs = Number(attributes.ApproximateFirstReceiveTimestamp);
          await handle({ id: messageId, group, body, sentMs, receivedMs });
        } catch {
          return members.slice(index);
        }
      }
      return [];
    }),
  );
  return { batchItemFailures: failed.flat().map(({ messageId }) => ({ itemIdentifier: messageId })) };
}
