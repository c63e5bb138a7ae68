import AttributeEditor from '@cloudscape-design/components/attribute-editor'
import Input from '@cloudscape-design/components/input'

export interface Tag {
  key: string
  value: string
}

/** AWS's limit. */
const MOST = 50

/** Tags of a thing that is being made. */
export function TagEditor({ tags, onChange }: { tags: Tag[]; onChange: (tags: Tag[]) => void }) {
  return (
    <AttributeEditor
      items={tags}
      addButtonText="Add tag"
      removeButtonText="Remove"
      removeButtonAriaLabel={(tag) => `Remove tag ${tags.indexOf(tag) + 1}`}
      empty="No tags"
      disableAddButton={tags.length >= MOST}
      onAddButtonClick={() => onChange([...tags, { key: '', value: '' }])}
      onRemoveButtonClick={({ detail }) => onChange(tags.filter((_, index) => index !== detail.itemIndex))}
      definition={(['key', 'value'] as const).map((part) => ({
        label: part === 'key' ? 'Key' : 'Value',
        control: (tag: Tag, at: number) => (
          <Input
            value={tag[part]}
            ariaLabel={`${part === 'key' ? 'Key' : 'Value'} of tag ${at + 1}`}
            onChange={({ detail }) => onChange(tags.map((one, index) => (index === at ? { ...one, [part]: detail.value } : one)))}
          />
        ),
      }))}
    />
  )
}
