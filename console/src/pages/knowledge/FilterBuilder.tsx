import Autosuggest from '@cloudscape-design/components/autosuggest'
import Box from '@cloudscape-design/components/box'
import Button from '@cloudscape-design/components/button'
import Checkbox from '@cloudscape-design/components/checkbox'
import FormField from '@cloudscape-design/components/form-field'
import Input from '@cloudscape-design/components/input'
import SegmentedControl from '@cloudscape-design/components/segmented-control'
import Select from '@cloudscape-design/components/select'
import SpaceBetween from '@cloudscape-design/components/space-between'
import Textarea from '@cloudscape-design/components/textarea'
import {
  faultOfJson,
  faultsOf,
  filterOf,
  isBlank,
  isGood,
  NEW_CONDITION,
  OPERATORS,
  TYPES,
  typesFor,
  withOperator,
  type Condition,
  type FilterDraft,
  type Operator,
  type ValueType,
} from './filters.ts'

interface Props {
  draft: FilterDraft
  keys: string[]
  onChange: (draft: FilterDraft) => void
}

/** Conditions on the metadata of documents, in fields or as JSON. */
export function FilterBuilder({ draft, keys, onChange }: Props) {
  const change = (at: number, condition: Condition) => onChange({ ...draft, conditions: draft.conditions.map((one, index) => (index === at ? condition : one)) })
  const toJson = () => {
    const filter = isGood(draft) ? filterOf(draft) : undefined
    onChange({ ...draft, asJson: true, json: filter ? JSON.stringify(filter, null, 2) : draft.json })
  }
  return (
    <section aria-label="Filter">
      <SpaceBetween size="s">
        <div>
          <Box variant="awsui-key-label">Filter</Box>
          <Box variant="small" color="text-body-secondary">
            Conditions on the metadata of documents.
          </Box>
        </div>
        <Checkbox checked={draft.asJson} onChange={({ detail }) => (detail.checked ? toJson() : onChange({ ...draft, asJson: false }))}>
          Write it as JSON
        </Checkbox>
        {draft.asJson ? (
          <FormField errorText={faultOfJson(draft.json)} stretch>
            <div className="craton-editor">
              <Textarea
                value={draft.json}
                rows={8}
                spellcheck={false}
                ariaLabel="Filter as JSON"
                placeholder={'{"equals": {"key": "department", "value": "hr"}}'}
                onChange={({ detail }) => onChange({ ...draft, json: detail.value })}
              />
            </div>
          </FormField>
        ) : (
          <>
            {draft.conditions.length > 1 && (
              <SegmentedControl
                label="How the conditions are joined"
                selectedId={draft.join}
                options={[
                  { id: 'andAll', text: 'All of them' },
                  { id: 'orAll', text: 'Any of them' },
                ]}
                onChange={({ detail }) => onChange({ ...draft, join: detail.selectedId === 'orAll' ? 'orAll' : 'andAll' })}
              />
            )}
            {draft.conditions.map((condition, at) => (
              <ConditionFields
                key={at}
                number={at + 1}
                condition={condition}
                keys={keys}
                onChange={(next) => change(at, next)}
                onRemove={() => onChange({ ...draft, conditions: draft.conditions.filter((_, index) => index !== at) })}
              />
            ))}
            <Button iconName="add-plus" disabled={draft.conditions.length >= 10} onClick={() => onChange({ ...draft, conditions: [...draft.conditions, NEW_CONDITION] })}>
              Add condition
            </Button>
          </>
        )}
      </SpaceBetween>
    </section>
  )
}

interface ConditionProps {
  number: number
  condition: Condition
  keys: string[]
  onChange: (condition: Condition) => void
  onRemove: () => void
}

function ConditionFields({ number, condition, keys, onChange, onRemove }: ConditionProps) {
  const faults = isBlank(condition) ? {} : faultsOf(condition)
  const operators = Object.entries(OPERATORS).map(([value, label]) => ({ value, label }))
  const types = typesFor(condition.operator).map((value) => ({ value, label: TYPES[value] }))
  return (
    <div className="craton-condition" role="group" aria-label={`Condition ${number}`}>
      <FormField errorText={faults.key} stretch>
        <Autosuggest
          value={condition.key}
          ariaLabel={`Attribute of condition ${number}`}
          enteredTextLabel={(value) => `Use ${value}`}
          placeholder="department"
          options={keys.map((value) => ({ value }))}
          empty="No attribute matches"
          onChange={({ detail }) => onChange({ ...condition, key: detail.value })}
        />
      </FormField>
      <Select
        ariaLabel={`Operator of condition ${number}`}
        options={operators}
        selectedOption={operators.find(({ value }) => value === condition.operator) ?? null}
        onChange={({ detail }) => onChange(withOperator(condition, detail.selectedOption.value as Operator))}
      />
      {types.length > 1 && (
        <Select
          ariaLabel={`Type in condition ${number}`}
          options={types}
          selectedOption={types.find(({ value }) => value === condition.type) ?? null}
          onChange={({ detail }) => onChange({ ...condition, type: detail.selectedOption.value as ValueType })}
        />
      )}
      <FormField errorText={faults.value} stretch>
        <Input
          value={condition.value}
          ariaLabel={`Value of condition ${number}`}
          placeholder={placeholderOf(condition)}
          spellcheck={false}
          onChange={({ detail }) => onChange({ ...condition, value: detail.value })}
        />
      </FormField>
      <Button iconName="remove" variant="inline-link" ariaLabel={`Remove condition ${number}`} onClick={onRemove}>
        Remove
      </Button>
    </div>
  )
}

function placeholderOf({ operator, type }: Condition): string {
  const one = type === 'number' ? '2024' : type === 'boolean' ? 'true' : 'hr'
  return operator === 'in' || operator === 'notIn' ? `${one}, …` : one
}
