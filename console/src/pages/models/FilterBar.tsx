import Checkbox from '@cloudscape-design/components/checkbox'
import Select from '@cloudscape-design/components/select'
import TextFilter from '@cloudscape-design/components/text-filter'
import type { Card } from '../../api/models.ts'
import { FACETS, SHOWN, valuesOf, type Filters } from './filters.ts'

interface Props {
  /** All that there are: what can be chosen is made of them. */
  cards: Card[]
  filters: Filters
  onChange: (filters: Filters) => void
}

/** Search, and choices of what the catalogue has. */
export function FilterBar({ cards, filters, onChange }: Props) {
  const set = (change: Partial<Filters>) => onChange({ ...filters, ...change })
  return (
    <div className="craton-filters">
      <TextFilter
        filteringText={filters.text}
        filteringPlaceholder="Find by name, provider, task or AWS id"
        filteringAriaLabel="Find models"
        onChange={({ detail }) => set({ text: detail.filteringText })}
      />
      <Select
        ariaLabel="Show"
        options={Object.entries(SHOWN).map(([value, { label }]) => ({ value, label }))}
        selectedOption={{ value: filters.show, label: SHOWN[filters.show]?.label ?? '' }}
        onChange={({ detail }) => set({ show: detail.selectedOption.value ?? 'all' })}
      />
      {FACETS.map((facet) => {
        const options = [{ value: '', label: facet.all }, ...valuesOf(facet, cards).map((value) => ({ value, label: value }))]
        if (options.length < 3) return null
        return (
          <Select
            key={facet.id}
            ariaLabel={facet.label}
            options={options}
            filteringType={options.length > 10 ? 'auto' : 'none'}
            selectedOption={options.find((option) => option.value === filters[facet.id]) ?? null}
            onChange={({ detail }) => set({ [facet.id]: detail.selectedOption.value ?? '' })}
          />
        )
      })}
      <span className="craton-filter-check">
        <Checkbox checked={filters.fits} onChange={({ detail }) => set({ fits: detail.checked })}>
          Fits this machine
        </Checkbox>
      </span>
    </div>
  )
}
