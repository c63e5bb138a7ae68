import Tabs from '@cloudscape-design/components/tabs'
import { CodeBlock } from './CodeBlock.tsx'

export interface Sample {
  id: string
  label: string
  code: string
}

/** The same thing in several languages. */
export function CodeTabs({ samples }: { samples: Sample[] }) {
  return (
    <Tabs
      ariaLabel="Language"
      tabs={samples.map(({ id, label, code }) => ({
        id,
        label,
        content: <CodeBlock code={code} label={`Code for ${label}`} />,
      }))}
    />
  )
}
