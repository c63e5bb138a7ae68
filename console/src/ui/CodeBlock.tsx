import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard'

interface Props {
  code: string
  /** What it is, for those who do not see it: "Bucket policy". */
  label: string
  copyLabel?: string
}

/** Text to be copied whole. */
export function CodeBlock({ code, label, copyLabel = 'Copy' }: Props) {
  return (
    <div className="craton-code-block">
      <div className="craton-code-copy">
        <CopyToClipboard
          copyButtonText={copyLabel}
          copyButtonAriaLabel={copyLabel}
          textToCopy={code}
          copySuccessText="Copied"
          copyErrorText="The browser did not allow copying: select the text instead"
        />
      </div>
      <pre className="craton-code" tabIndex={0} role="group" aria-label={label}>
        {code}
      </pre>
    </div>
  )
}
