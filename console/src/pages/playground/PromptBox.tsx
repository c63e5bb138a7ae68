import Button from '@cloudscape-design/components/button'
import PromptInput from '@cloudscape-design/components/prompt-input'

interface Props {
  value: string
  canSend: boolean
  /** While an answer comes the button stops it. */
  busy: boolean
  onChange: (text: string) => void
  onSend: () => void
  onStop: () => void
}

/** Where the prompt is written. */
export function PromptBox({ value, canSend, busy, onChange, onSend, onStop }: Props) {
  return (
    <PromptInput
      value={value}
      ariaLabel="Prompt"
      placeholder="Ask something. Enter sends, Shift+Enter starts a new line."
      minRows={2}
      maxRows={8}
      disableActionButton={!canSend}
      onChange={({ detail }) => onChange(detail.value)}
      onAction={onSend}
      {...(busy
        ? { customPrimaryAction: <Button variant="icon" iconName="stop-circle" ariaLabel="Stop" onClick={onStop} /> }
        : { actionButtonIconName: 'send' as const, actionButtonAriaLabel: 'Send' })}
    />
  )
}
