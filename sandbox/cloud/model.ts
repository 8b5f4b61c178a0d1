import type { EventMatcher } from './event-pattern.ts';
import type { RoleModel } from './iam.ts';
import type { Statement } from './iam-policy.ts';
import type { NextTime } from './schedule-expression.ts';
import type { TargetInput } from './target-input.ts';

/** Everything that the local cloud emulates, as plain values: the template with all intrinsics resolved. */
export interface CloudModel {
  readonly stack: string;
  readonly region: string;
  readonly account: string;
  readonly tables: readonly TableModel[];
  readonly queues: readonly QueueModel[];
  readonly buses: readonly BusModel[];
  readonly archives: readonly ArchiveModel[];
  readonly schedules: readonly ScheduleModel[];
  readonly buckets: readonly BucketModel[];
  readonly logGroups: readonly LogGroupModel[];
  readonly functions: readonly FunctionModel[];
  readonly mappings: readonly MappingModel[];
  readonly roles: readonly RoleModel[];
  readonly secrets: readonly SecretModel[];
  readonly topics: readonly TopicModel[];
  readonly containers: readonly ContainerModel[];
  /** By resource ARN: policies of queues, buckets and tables, and Lambda permissions. */
  readonly resourcePolicies: ReadonlyMap<string, readonly Statement[]>;
}

export interface TableModel {
  readonly logicalId: string;
  readonly name: string;
  /** Input of CreateTable. */
  readonly create: Record<string, unknown>;
  readonly ttlAttribute: string | undefined;
}

export interface QueueModel {
  readonly logicalId: string;
  readonly name: string;
  readonly arn: string;
  /** Attributes of CreateQueue. */
  readonly attributes: Readonly<Record<string, string>>;
}

export interface BucketModel {
  readonly logicalId: string;
  readonly name: string;
  readonly arn: string;
  readonly versioned: boolean;
  readonly objectLock: boolean;
  /** Retention of a new version that is put without one of its own. */
  readonly defaultRetention: { readonly mode: RetentionMode; readonly days: number } | undefined;
}

export type RetentionMode = 'GOVERNANCE' | 'COMPLIANCE';

/** A log group, and what writes to it. */
export interface LogGroupModel {
  readonly name: string;
  readonly arn: string;
  /** Names of functions and of containers. */
  readonly functions: readonly string[];
  readonly containers: readonly string[];
}

export interface BusModel {
  readonly name: string;
  readonly arn: string;
  readonly rules: readonly RuleModel[];
}

export interface RuleModel {
  readonly logicalId: string;
  readonly name: string;
  readonly arn: string;
  readonly matches: EventMatcher;
  readonly targets: readonly TargetModel[];
}

export interface RetryPolicy {
  readonly attemptsMax: number;
  readonly ageSecondsMax: number;
}

export interface TargetModel {
  readonly id: string;
  /** ARN of a function or a queue of the template. */
  readonly arn: string;
  readonly kind: 'lambda' | 'sqs';
  readonly input: TargetInput;
  readonly retry: RetryPolicy;
  readonly deadLetterArn: string | undefined;
  readonly messageGroupId: string | undefined;
}

export interface ArchiveModel {
  readonly name: string;
  readonly busArn: string;
  readonly matches: EventMatcher;
  /** 0: for ever. */
  readonly retentionDays: number;
}

/** A schedule of EventBridge Scheduler. */
export interface ScheduleModel {
  readonly logicalId: string;
  readonly name: string;
  readonly arn: string;
  readonly group: string;
  readonly enabled: boolean;
  /** As the template has it, for people. */
  readonly expression: string;
  readonly next: NextTime;
  /** What Scheduler assumes for every call. */
  readonly role: RoleModel;
  readonly target: {
    /** ARN of a function or a queue of the template. */
    readonly arn: string;
    readonly kind: 'lambda' | 'sqs';
    /** With `<aws.scheduler.…>` where context is filled in; undefined for AWS's own event. */
    readonly input: string | undefined;
    readonly retry: RetryPolicy;
    readonly deadLetterArn: string | undefined;
    readonly messageGroupId: string | undefined;
  };
}

export interface FunctionModel {
  readonly logicalId: string;
  readonly name: string;
  readonly arn: string;
  /** Folder with the bundled code. */
  readonly codeDir: string;
  readonly handler: string;
  readonly role: RoleModel;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  /** Of asynchronous invocations: after the retries the event goes to the destination, or to the dead-letter queue. */
  readonly asynchronous: RetryPolicy & {
    readonly onFailureArn: string | undefined;
    readonly onSuccessArn: string | undefined;
  };
  readonly deadLetterArn: string | undefined;
}

export interface MappingModel {
  readonly logicalId: string;
  readonly queueArn: string;
  readonly functionArn: string;
  readonly batchSize: number;
  readonly windowSeconds: number;
  readonly reportsItemFailures: boolean;
  readonly concurrencyMax: number | undefined;
  /** Visibility time-out of the queue: after so long a failed message is tried again. */
  readonly visibilitySeconds: number;
}

export interface SecretModel {
  readonly name: string;
  readonly arn: string;
  readonly value: string | undefined;
  /** GenerateSecretString, when the template lets AWS generate the value. */
  readonly generate: Readonly<Record<string, unknown>> | undefined;
}

export interface TopicModel {
  readonly name: string;
  readonly arn: string;
  /** E-mail addresses. */
  readonly subscriptions: readonly string[];
}

export interface ContainerModel {
  readonly name: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Variable to the ARN (with its optional `:json-key::`) of a secret. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly image: string;
  /** ARN of the log group that ECS writes its output to. */
  readonly logGroupArn: string | undefined;
  readonly taskRole: RoleModel | undefined;
  readonly executionRole: RoleModel | undefined;
}
