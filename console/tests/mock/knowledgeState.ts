/** Knowledge bases as the mock server has them: a few pages of a rental company that does not exist. */
import type { DataSource, DocumentStatus, IngestionJob, KnowledgeBase } from '../../src/api/knowledgeBases.ts'
import type { MetadataValue } from '../../src/api/retrieval.ts'

const ACCOUNT = '111122223333'

/** A document as a data source has it. */
export interface StoredDocument {
  source: string
  name: string
  status: DocumentStatus
  reason?: string
  /** Its pages; each ends with a line break. */
  pages: string[]
  metadata: Record<string, MetadataValue>
  /** Who may read it; nobody named: everybody. */
  readers: { users: string[]; groups: string[]; denied: string[] }
}

export interface Failure {
  status: number
  code: string
  message: string
}

export interface KnowledgeState {
  bases: KnowledgeBase[]
  sources: DataSource[]
  /** The newest first. */
  jobs: IngestionJob[]
  documents: StoredDocument[]
  /** The groups of users. */
  groups: Record<string, string[]>
  /** What the next calls of an operation answer instead: `failures.set('Retrieve', …)`; taken away by the test. */
  failures: Map<string, Failure>
  /** Bodies by operation, in the order of their arrival. */
  received: { operation: string; body: Record<string, unknown> }[]
  rolePolicies: { role: string; name: string; document: string }[]
  /** Milliseconds between two words of a generated answer. */
  wordMs: number
}

export const BASE = 'KBRENTAL01'
export const SOURCE = 'DSPOLICIES'
export const CUSTOM = 'DSNOTICES0'

const NOBODY = { users: [], groups: [], denied: [] }

export function newKnowledgeState(): KnowledgeState {
  return {
    bases: [
      base(BASE, 'rental-policies', 'ACTIVE', { description: 'Policies and procedures of the three departments' }),
      base('KBARCHIVE1', 'archive', 'FAILED', {
        failureReasons: ['The embedding model `amazon.titan-embed-text-v1` answers with another model than before: vectors of 384 and of 1536 numbers cannot be compared.'],
      }),
    ],
    sources: [
      {
        knowledgeBaseId: BASE,
        dataSourceId: SOURCE,
        name: 'policies',
        status: 'AVAILABLE',
        dataSourceConfiguration: { type: 'S3', s3Configuration: { bucketArn: 'arn:aws:s3:::rental-policies', inclusionPrefixes: ['current/'] } },
        vectorIngestionConfiguration: { chunkingConfiguration: { chunkingStrategy: 'FIXED_SIZE', fixedSizeChunkingConfiguration: { maxTokens: 60, overlapPercentage: 20 } } },
        dataDeletionPolicy: 'DELETE',
        createdAt: '2026-05-02T08:00:00Z',
        updatedAt: '2026-05-02T08:00:00Z',
      },
      {
        knowledgeBaseId: BASE,
        dataSourceId: CUSTOM,
        name: 'notices',
        status: 'AVAILABLE',
        dataSourceConfiguration: { type: 'CUSTOM' },
        dataDeletionPolicy: 'RETAIN',
        createdAt: '2026-05-02T08:10:00Z',
        updatedAt: '2026-05-02T08:10:00Z',
      },
    ],
    jobs: [
      job('JOB0000002', 'COMPLETE', '2026-05-04T08:00:00Z', '2026-05-04T08:00:21Z', [5, 1, 0, 1, 0, 1], [
        's3://rental-policies/current/fleet/inspection-scan-2019.pdf: The PDF has no text: it may be a scan, and pictures of text are not read yet.',
      ]),
      job('JOB0000001', 'COMPLETE', '2026-05-03T08:00:00Z', '2026-05-03T08:01:07Z', [4, 4, 0, 0, 0, 0]),
    ],
    documents: DOCUMENTS.map((document) => ({ ...document, readers: { ...document.readers } })),
    groups: { ana: ['hr'], ben: ['hr', 'managers'] },
    failures: new Map(),
    received: [],
    rolePolicies: [],
    wordMs: 15,
  }
}

export function base(id: string, name: string, status: KnowledgeBase['status'], more: Partial<KnowledgeBase> = {}): KnowledgeBase {
  return {
    knowledgeBaseId: id,
    name,
    status,
    knowledgeBaseArn: `arn:aws:bedrock:us-east-1:${ACCOUNT}:knowledge-base/${id}`,
    roleArn: `arn:aws:iam::${ACCOUNT}:role/AmazonBedrockExecutionRoleForKnowledgeBase_rent1`,
    knowledgeBaseConfiguration: {
      type: 'VECTOR',
      vectorKnowledgeBaseConfiguration: { embeddingModelArn: 'arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-embed-text-v2:0' },
    },
    createdAt: '2026-05-02T07:59:00Z',
    updatedAt: '2026-05-02T08:00:00Z',
    ...more,
  }
}

/** `[scanned, new, modified, deleted, failed, metadata files]` */
export function job(id: string, status: IngestionJob['status'], startedAt: string, updatedAt: string, counts: number[], failureReasons?: string[]): IngestionJob {
  const [scanned = 0, added = 0, modified = 0, failed = 0, deleted = 0, metadata = 0] = counts
  return {
    knowledgeBaseId: BASE,
    dataSourceId: SOURCE,
    ingestionJobId: id,
    status,
    statistics: {
      numberOfDocumentsScanned: scanned,
      numberOfMetadataDocumentsScanned: metadata,
      numberOfNewDocumentsIndexed: added,
      numberOfModifiedDocumentsIndexed: modified,
      numberOfMetadataDocumentsModified: 0,
      numberOfDocumentsDeleted: deleted,
      numberOfDocumentsFailed: failed,
      numberOfDocumentsSkipped: 0,
    },
    startedAt,
    updatedAt,
    ...(failureReasons ? { failureReasons } : {}),
  }
}

const ROOT = 's3://rental-policies/current'

const DOCUMENTS: StoredDocument[] = [
  {
    source: SOURCE,
    name: `${ROOT}/customer-service/late-returns.md`,
    status: 'INDEXED',
    pages: [
      `# Late returns 🚗

A car may be returned up to 59 minutes late without a charge. From the 60th minute on, a late fee of €25 is due for every hour that has begun, but never more than the price of one more day.

A customer who calls before the agreed time may extend the rental by up to three days. The extension costs the daily rate of the contract and needs a valid card. The agent enters it on form RV-12 and reads the new return time back to the customer.

If a car is more than 24 hours late and the customer cannot be reached, the branch manager informs the police. The deposit is kept until the car is back.
`,
    ],
    metadata: { department: 'customer-service', year: 2026, audience: ['agents', 'managers'] },
    readers: NOBODY,
  },
  {
    source: SOURCE,
    name: `${ROOT}/fleet/damage-handling.pdf`,
    status: 'INDEXED',
    pages: [
      `Damage handling

Every car is inspected at its return, in daylight or under the lamps of the wash bay. Scratches shorter than 2 centimetres that do not reach the primer are wear and are not charged. All other damage is photographed from two sides and entered on form FM-7.

The customer signs form FM-7 at the counter. Without a signature the damage is charged only after the workshop has confirmed it, within five working days.
`,
      `Repairs

A repair of up to €400 is ordered by the branch. Above that the fleet office in the region decides within two days. Cars with damage to lights, tyres, brakes or windscreens are blocked at once and stay blocked until the workshop releases them.
`,
    ],
    metadata: { department: 'fleet', year: 2025, audience: ['agents', 'workshop'] },
    readers: NOBODY,
  },
  {
    source: SOURCE,
    name: `${ROOT}/hr/parental-leave.docx`,
    status: 'INDEXED',
    pages: [
      `Parental leave

Every employee may take 16 weeks of parental leave at full pay. The leave is announced to the department eight weeks before it begins, on form HR-31. Managers find a replacement together with the personnel office.
`,
    ],
    metadata: { department: 'hr', year: 2026, audience: ['managers'] },
    readers: { users: ['dora'], groups: ['hr'], denied: ['ben'] },
  },
  {
    source: SOURCE,
    name: `${ROOT}/fleet/inspection-scan-2019.pdf`,
    status: 'FAILED',
    reason: 'The PDF has no text: it may be a scan, and pictures of text are not read yet.',
    pages: [],
    metadata: {},
    readers: NOBODY,
  },
  {
    source: SOURCE,
    name: `${ROOT}/customer-service/fees-2026.csv`,
    status: 'METADATA_UPDATE_FAILED',
    reason: 'The attribute `valid` of the metadata file has the unknown type `DATE`.',
    pages: ['Fee,Amount\nLate return per hour,€25\nLost key,€180\nCleaning,€60\nChild seat per day,€8\n'],
    metadata: { department: 'customer-service', year: 2026 },
    readers: NOBODY,
  },
  {
    source: CUSTOM,
    name: 'opening-hours',
    status: 'INDEXED',
    pages: ['The branches are open from 7 to 20 on weekdays and from 8 to 14 on Saturdays. On Sundays cars are returned into the key box.\n'],
    metadata: {},
    readers: NOBODY,
  },
]
