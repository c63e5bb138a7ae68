import Select from '@cloudscape-design/components/select'

interface Props<T extends string> {
  options: readonly { value: T; label: string }[]
  value: T
  ariaLabel?: string
  onChange: (value: T) => void
}

/** One of a few words. */
export function Choice<T extends string>({ options, value, ariaLabel, onChange }: Props<T>) {
  return (
    <Select
      options={options}
      {...(ariaLabel === undefined ? {} : { ariaLabel })}
      selectedOption={options.find((option) => option.value === value) ?? null}
      onChange={({ detail }) => {
        const chosen = options.find((option) => option.value === detail.selectedOption.value)
        if (chosen) onChange(chosen.value)
      }}
    />
  )
}
