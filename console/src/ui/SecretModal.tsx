import Alert from '@cloudscape-design/components/alert'
import Box from '@cloudscape-design/components/box'
import Button from '@cloudscape-design/components/button'
import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard'
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs'
import Modal from '@cloudscape-design/components/modal'
import SpaceBetween from '@cloudscape-design/components/space-between'

interface Props {
  title: string
  /** Label and text of each part of the credential. */
  parts: { label: string; text: string }[]
  onDismiss: () => void
}

/** Shows a new credential, once. */
export function SecretModal({ title, parts, onDismiss }: Props) {
  return (
    <Modal
      visible
      header={title}
      onDismiss={onDismiss}
      footer={
        <Box float="right">
          <Button variant="primary" onClick={onDismiss}>
            I have kept it
          </Button>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <Alert type="warning">Copy it now: Craton does not show the secret part again.</Alert>
        <KeyValuePairs
          columns={1}
          items={parts.map(({ label, text }) => ({
            label,
            value: (
              <CopyToClipboard
                variant="inline"
                textToCopy={text}
                textToDisplay={<code className="craton-secret">{text}</code>}
                copyButtonAriaLabel={`Copy ${label}`}
                copySuccessText="Copied"
                copyErrorText="The browser did not allow copying: select the text instead"
              />
            ),
          }))}
        />
      </SpaceBetween>
    </Modal>
  )
}
