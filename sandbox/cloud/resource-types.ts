/**
 * Every CloudFormation resource type that the local cloud accepts. A type, or a property of an emulated type, that is
 * not listed here stops the start: what the template says must never be ignored by accident.
 */

export interface PhysicalIds {
  readonly logicalId: string;
  /** The resolved name property, else `<stack>-<logicalId>`. */
  readonly name: string;
  readonly region: string;
  readonly account: string;
  /** `http://127.0.0.1:port` of the local cloud; queue URLs carry it, because SDK clients send to a queue's URL. */
  readonly endpoint: string;
  /** Resolved text of one property, or undefined. */
  readonly property: (name: string) => string | undefined;
}

export interface EmulatedType {
  readonly nameProperty?: string;
  /** Changes the name that is made up for a resource without one, where its kind allows only some names. */
  readonly madeUpName?: (name: string, properties: Readonly<Record<string, unknown>>) => string;
  /** Properties that the local cloud obeys. */
  readonly obeyed: readonly string[];
  /** Properties that change nothing on one machine, and why. */
  readonly noEffect: Readonly<Record<string, string>>;
  readonly ref: (ids: PhysicalIds) => string;
  readonly attributes: Readonly<Record<string, (ids: PhysicalIds) => string>>;
}

const TAGS = 'tags carry no behaviour';
const arn = (service: string, resource: string) => (ids: PhysicalIds) =>
  `arn:aws:${service}:${ids.region}:${ids.account}:${resource}${ids.name}`;
const name = (ids: PhysicalIds): string => ids.name;
const queueUrl = (ids: PhysicalIds): string => `${ids.endpoint}/${ids.account}/${ids.name}`;
/** Secrets Manager adds six characters of its own, which policies match with `-??????`. */
const secretArn = (ids: PhysicalIds): string => `${arn('secretsmanager', 'secret:')(ids)}-Local0`;

const table: EmulatedType = {
  nameProperty: 'TableName',
  obeyed: [
    'TableName',
    'KeySchema',
    'AttributeDefinitions',
    'GlobalSecondaryIndexes',
    'LocalSecondaryIndexes',
    'TimeToLiveSpecification',
    'BillingMode',
    'ResourcePolicy',
  ],
  noEffect: {
    Tags: TAGS,
    PointInTimeRecoverySpecification: 'nothing to recover to on one machine',
    DeletionProtectionEnabled: 'the stack is never deleted locally',
    SSESpecification: 'data is kept in plain files',
    ProvisionedThroughput: 'throughput is not limited; throttling is injected as a fault',
    OnDemandThroughput: 'throughput is not limited; throttling is injected as a fault',
    WarmThroughput: 'throughput is not limited',
    TableClass: 'a price, not a behaviour',
    ContributorInsightsSpecification: 'no CloudWatch locally',
    Replicas: 'one region only',
    WriteOnDemandThroughputSettings: 'throughput is not limited',
  },
  ref: name,
  attributes: { Arn: arn('dynamodb', 'table/') },
};

export const EMULATED: Readonly<Record<string, EmulatedType>> = {
  'AWS::DynamoDB::Table': table,
  'AWS::DynamoDB::GlobalTable': table,
  'AWS::SQS::Queue': {
    nameProperty: 'QueueName',
    madeUpName: (made, { FifoQueue: fifo }) => (String(fifo) === 'true' ? `${made}.fifo` : made),
    obeyed: [
      'QueueName',
      'FifoQueue',
      'ContentBasedDeduplication',
      'DeduplicationScope',
      'FifoThroughputLimit',
      'DelaySeconds',
      'MaximumMessageSize',
      'MessageRetentionPeriod',
      'ReceiveMessageWaitTimeSeconds',
      'VisibilityTimeout',
      'RedrivePolicy',
    ],
    noEffect: {
      Tags: TAGS,
      SqsManagedSseEnabled: 'data is kept in plain files',
      KmsMasterKeyId: 'data is kept in plain files',
      KmsDataKeyReusePeriodSeconds: 'data is kept in plain files',
      RedriveAllowPolicy: 'redrive is set up by the template alone',
    },
    ref: queueUrl,
    attributes: {
      Arn: arn('sqs', ''),
      QueueName: name,
      QueueUrl: queueUrl,
    },
  },
  'AWS::SQS::QueuePolicy': {
    obeyed: ['PolicyDocument', 'Queues'],
    noEffect: {},
    ref: (ids) => ids.logicalId,
    attributes: {},
  },
  'AWS::S3::Bucket': {
    nameProperty: 'BucketName',
    madeUpName: (made) => made.toLowerCase(),
    obeyed: ['BucketName', 'VersioningConfiguration', 'ObjectLockEnabled', 'ObjectLockConfiguration'],
    noEffect: {
      Tags: TAGS,
      BucketEncryption: 'data is kept in plain files',
      PublicAccessBlockConfiguration: 'nobody but the roles of the template has credentials',
      OwnershipControls: 'one account only; ACLs are refused',
      LifecycleConfiguration:
        'nothing is deleted for its age on one machine; the data folder is deleted as a whole',
      LoggingConfiguration: 'no access logs locally',
      AccelerateConfiguration: 'everything is on the loopback interface',
    },
    ref: name,
    attributes: {
      Arn: (ids) => `arn:aws:s3:::${ids.name}`,
      DomainName: (ids) => `${ids.name}.s3.amazonaws.com`,
      RegionalDomainName: (ids) => `${ids.name}.s3.${ids.region}.amazonaws.com`,
    },
  },
  'AWS::S3::BucketPolicy': {
    obeyed: ['Bucket', 'PolicyDocument'],
    noEffect: {},
    ref: (ids) => ids.logicalId,
    attributes: {},
  },
  'AWS::Logs::LogGroup': {
    nameProperty: 'LogGroupName',
    obeyed: ['LogGroupName'],
    noEffect: {
      Tags: TAGS,
      RetentionInDays: 'log files are bounded by their size',
      KmsKeyId: 'data is kept in plain files',
      LogGroupClass: 'a price, not a behaviour',
    },
    ref: name,
    attributes: { Arn: (ids) => `${arn('logs', 'log-group:')(ids)}:*` },
  },
  'AWS::Events::EventBus': {
    nameProperty: 'Name',
    obeyed: ['Name'],
    noEffect: {
      Tags: TAGS,
      Description: 'a text for people',
      KmsKeyIdentifier: 'data is kept in plain files',
    },
    ref: name,
    attributes: { Arn: arn('events', 'event-bus/'), Name: name },
  },
  'AWS::Events::Rule': {
    nameProperty: 'Name',
    obeyed: ['Name', 'EventBusName', 'EventPattern', 'State', 'Targets'],
    noEffect: { Tags: TAGS, Description: 'a text for people' },
    ref: (ids) => {
      const bus = ids.property('EventBusName');
      return bus === undefined || bus === 'default' ? ids.name : `${bus}|${ids.name}`;
    },
    attributes: {
      Arn: (ids) => {
        const bus = (ids.property('EventBusName') ?? 'default').split('/').at(-1) ?? 'default';
        return `arn:aws:events:${ids.region}:${ids.account}:rule/${bus === 'default' ? '' : `${bus}/`}${ids.name}`;
      },
    },
  },
  'AWS::Events::Archive': {
    nameProperty: 'ArchiveName',
    obeyed: ['ArchiveName', 'SourceArn', 'EventPattern', 'RetentionDays'],
    noEffect: { Description: 'a text for people', KmsKeyIdentifier: 'data is kept in plain files' },
    ref: name,
    attributes: { Arn: arn('events', 'archive/'), ArchiveName: name },
  },
  'AWS::Scheduler::Schedule': {
    nameProperty: 'Name',
    obeyed: [
      'Name',
      'GroupName',
      'ScheduleExpression',
      'ScheduleExpressionTimezone',
      'FlexibleTimeWindow',
      'State',
      'StartDate',
      'EndDate',
      'Target',
    ],
    noEffect: {
      Description: 'a text for people',
      KmsKeyArn: 'data is kept in plain files',
      ActionAfterCompletion: 'a schedule that is over calls nobody, whether it is deleted or not',
    },
    ref: name,
    attributes: {
      Arn: (ids) => arn('scheduler', `schedule/${ids.property('GroupName') ?? 'default'}/`)(ids),
    },
  },
  'AWS::Scheduler::ScheduleGroup': {
    nameProperty: 'Name',
    obeyed: ['Name'],
    noEffect: { Tags: TAGS },
    ref: name,
    attributes: { Arn: arn('scheduler', 'schedule-group/') },
  },
  'AWS::Lambda::Function': {
    nameProperty: 'FunctionName',
    obeyed: [
      'FunctionName',
      'Code',
      'Handler',
      'Runtime',
      'Role',
      'Environment',
      'Timeout',
      'MemorySize',
      'DeadLetterConfig',
      'LoggingConfig',
    ],
    noEffect: {
      Tags: TAGS,
      Description: 'a text for people',
      Architectures: 'the code is JavaScript',
      TracingConfig: 'no X-Ray locally',
      EphemeralStorage: 'the file system is the machine’s own',
      RuntimeManagementConfig: 'the runtime is this Node',
      RecursiveLoop: 'no loop detection locally',
    },
    ref: name,
    attributes: { Arn: arn('lambda', 'function:') },
  },
  'AWS::Lambda::Permission': {
    obeyed: ['Action', 'FunctionName', 'Principal', 'SourceArn', 'SourceAccount'],
    noEffect: {},
    ref: (ids) => ids.logicalId,
    attributes: {},
  },
  'AWS::Lambda::EventInvokeConfig': {
    obeyed: [
      'FunctionName',
      'Qualifier',
      'MaximumRetryAttempts',
      'MaximumEventAgeInSeconds',
      'DestinationConfig',
    ],
    noEffect: {},
    ref: (ids) => ids.logicalId,
    attributes: {},
  },
  'AWS::Lambda::EventSourceMapping': {
    obeyed: [
      'EventSourceArn',
      'FunctionName',
      'BatchSize',
      'Enabled',
      'MaximumBatchingWindowInSeconds',
      'FunctionResponseTypes',
      'ScalingConfig',
    ],
    noEffect: { Tags: TAGS },
    ref: (ids) => ids.logicalId,
    attributes: { Id: (ids) => ids.logicalId },
  },
  'AWS::IAM::Role': {
    nameProperty: 'RoleName',
    obeyed: ['RoleName', 'Path', 'AssumeRolePolicyDocument', 'ManagedPolicyArns', 'Policies'],
    noEffect: {
      Tags: TAGS,
      Description: 'a text for people',
      MaxSessionDuration: 'sessions do not expire locally',
    },
    ref: name,
    attributes: {
      Arn: (ids) => `arn:aws:iam::${ids.account}:role${ids.property('Path') ?? '/'}${ids.name}`,
      RoleId: (ids) => `AROA${ids.logicalId.toUpperCase()}`,
    },
  },
  'AWS::IAM::Policy': {
    nameProperty: 'PolicyName',
    obeyed: ['PolicyName', 'PolicyDocument', 'Roles'],
    noEffect: {},
    ref: name,
    attributes: { Id: name },
  },
  'AWS::IAM::ManagedPolicy': {
    nameProperty: 'ManagedPolicyName',
    obeyed: ['ManagedPolicyName', 'PolicyDocument', 'Roles', 'Path'],
    noEffect: { Description: 'a text for people' },
    ref: (ids) => `arn:aws:iam::${ids.account}:policy${ids.property('Path') ?? '/'}${ids.name}`,
    attributes: {
      PolicyArn: (ids) => `arn:aws:iam::${ids.account}:policy${ids.property('Path') ?? '/'}${ids.name}`,
    },
  },
  'AWS::SecretsManager::Secret': {
    nameProperty: 'Name',
    obeyed: ['Name', 'SecretString', 'GenerateSecretString'],
    noEffect: { Tags: TAGS, Description: 'a text for people', KmsKeyId: 'data is kept in plain files' },
    ref: secretArn,
    attributes: { Id: secretArn },
  },
  'AWS::SNS::Topic': {
    nameProperty: 'TopicName',
    obeyed: ['TopicName'],
    noEffect: {
      Tags: TAGS,
      DisplayName: 'the sender’s name in e-mails',
      KmsMasterKeyId: 'data is kept in plain files',
      TracingConfig: 'no X-Ray locally',
    },
    ref: arn('sns', ''),
    attributes: { TopicArn: arn('sns', ''), TopicName: name },
  },
  'AWS::SNS::TopicPolicy': {
    obeyed: ['PolicyDocument', 'Topics'],
    noEffect: {},
    ref: (ids) => ids.logicalId,
    attributes: {},
  },
  'AWS::SNS::Subscription': {
    obeyed: ['TopicArn', 'Protocol', 'Endpoint'],
    noEffect: {},
    ref: (ids) => `${ids.property('TopicArn') ?? ''}:${ids.logicalId}`,
    attributes: {},
  },
  'AWS::ECS::TaskDefinition': {
    nameProperty: 'Family',
    obeyed: ['Family', 'ContainerDefinitions', 'TaskRoleArn', 'ExecutionRoleArn'],
    noEffect: {
      Tags: TAGS,
      Cpu: 'processes share the machine',
      Memory: 'processes share the machine',
      NetworkMode: 'everything is on the loopback interface',
      RequiresCompatibilities: 'no ECS locally',
      RuntimePlatform: 'processes run on this machine',
      Volumes: 'the streamer’s file is on this machine’s disk',
      EphemeralStorage: 'the streamer’s file is on this machine’s disk',
      PidMode: 'processes run on this machine',
      IpcMode: 'processes run on this machine',
    },
    ref: (ids) => `arn:aws:ecs:${ids.region}:${ids.account}:task-definition/${ids.name}:1`,
    attributes: {
      TaskDefinitionArn: (ids) => `arn:aws:ecs:${ids.region}:${ids.account}:task-definition/${ids.name}:1`,
    },
  },
};

const NETWORK = 'everything is on the loopback interface';
const ECS = 'the sandbox starts the containers’ processes itself';
const CLOUDWATCH = 'no CloudWatch metrics locally; metrics are on the components’ own endpoints';
const CRYPTO = 'data is kept in plain files';
const ATHENA =
  'no Athena locally; the archive’s files lie in the local S3 for any program that reads Parquet';

/** Types that mean nothing on one machine, each with the reason. Their Ref and GetAtt give placeholders. */
export const NO_LOCAL_MEANING: Readonly<Record<string, string>> = {
  'AWS::CDK::Metadata': 'usage statistics of CDK',
  'AWS::EC2::VPC': NETWORK,
  'AWS::EC2::Subnet': NETWORK,
  'AWS::EC2::RouteTable': NETWORK,
  'AWS::EC2::Route': NETWORK,
  'AWS::EC2::SubnetRouteTableAssociation': NETWORK,
  'AWS::EC2::InternetGateway': NETWORK,
  'AWS::EC2::VPCGatewayAttachment': NETWORK,
  'AWS::EC2::EgressOnlyInternetGateway': NETWORK,
  'AWS::EC2::NatGateway': NETWORK,
  'AWS::EC2::EIP': NETWORK,
  'AWS::EC2::SecurityGroup': NETWORK,
  'AWS::EC2::SecurityGroupIngress': NETWORK,
  'AWS::EC2::SecurityGroupEgress': NETWORK,
  'AWS::EC2::VPCEndpoint': NETWORK,
  'AWS::EC2::VPCCidrBlock': NETWORK,
  'AWS::EC2::NetworkAcl': NETWORK,
  'AWS::EC2::NetworkAclEntry': NETWORK,
  'AWS::EC2::SubnetNetworkAclAssociation': NETWORK,
  'AWS::EC2::FlowLog': NETWORK,
  'AWS::ServiceDiscovery::PrivateDnsNamespace': NETWORK,
  'AWS::ServiceDiscovery::Service': NETWORK,
  'AWS::ECS::Cluster': ECS,
  'AWS::ECS::ClusterCapacityProviderAssociations': ECS,
  'AWS::ECS::Service': ECS,
  'AWS::ECR::Repository': ECS,
  'AWS::EFS::FileSystem': 'files are on this machine’s disk',
  'AWS::EFS::AccessPoint': 'files are on this machine’s disk',
  'AWS::EFS::MountTarget': 'files are on this machine’s disk',
  'AWS::Logs::MetricFilter': CLOUDWATCH,
  'AWS::Logs::QueryDefinition': CLOUDWATCH,
  'AWS::Logs::ResourcePolicy': CLOUDWATCH,
  'AWS::CloudWatch::Alarm': CLOUDWATCH,
  'AWS::CloudWatch::CompositeAlarm': CLOUDWATCH,
  'AWS::CloudWatch::Dashboard': CLOUDWATCH,
  'AWS::KMS::Key': CRYPTO,
  'AWS::KMS::Alias': CRYPTO,
  'AWS::Glue::Database': ATHENA,
  'AWS::Glue::Table': ATHENA,
  'AWS::Athena::WorkGroup': ATHENA,
};
