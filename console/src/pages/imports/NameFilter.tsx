import TextFilter from '@cloudscape-design/components/text-filter'
import { useState } from 'react'

interface Props {
  label: string
  value: string
  /** Called when the writing pauses. Parts of names are looked for from a letter or a digit on, as Bedrock wants it. */
  onChange: (name: string) => void
}

/** Finds by a part of the name, which the server does. */
export function NameFilter({ label, value, onChange }: Props) {
  const [text, setText] = useState(value)
  return (
    <TextFilter
      filteringText={text}
      filteringPlaceholder="Find by name"
      filteringAriaLabel={label}
      onChange={({ detail }) => setText(detail.filteringText)}
      onDelayedChange={({ detail }) => onChange(detail.filteringText.trim().replace(/^[^a-zA-Z0-9]+/, ''))}
    />
  )
}
