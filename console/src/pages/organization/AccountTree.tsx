import Badge from '@cloudscape-design/components/badge'
import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import Select from '@cloudscape-design/components/select'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useState } from 'react'
import { createMemberAccount, createUnit, moveAccount, readTree, type Node } from '../../api/organizations.ts'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { Attached } from './Attached.tsx'

/** The tree of units and accounts; the chosen one with its policies. */
export function AccountTree({ management }: { management: string }) {
  const tree = useLoad(readTree)
  const [chosen, setChosen] = useState<Node>()
  const [modal, setModal] = useState<'unit' | 'account' | 'move'>()
  const roots = tree.value ?? []
  const all = roots.flatMap(flatten)
  const node = all.find(({ id }) => id === chosen?.id) ?? roots[0]
  const done = () => {
    setModal(undefined)
    tree.reload()
  }
  return (
    <SpaceBetween size="m">
      <ErrorAlert error={tree.error} title="Could not read the accounts" onRetry={tree.reload} />
      <Container
        header={
          <Header
            variant="h2"
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button disabled={node?.kind !== 'account'} onClick={() => setModal('move')}>
                  Move account
                </Button>
                <Button disabled={!node || node.kind === 'account'} onClick={() => setModal('unit')}>
                  Create unit
                </Button>
                <Button variant="primary" onClick={() => setModal('account')}>
                  Create account
                </Button>
              </SpaceBetween>
            }
          >
            Accounts and units
          </Header>
        }
      >
        {roots.map((root) => (
          <Branch key={root.id} node={root} chosen={node?.id} management={management} onChoose={setChosen} />
        ))}
      </Container>
      {node && <Attached key={node.id} target={node} />}
      {modal === 'unit' && node && (
        <NameModal title={`Create a unit in ${node.name}`} label="Unit name" act={(name) => createUnit(node.id, name)} onDone={done} onDismiss={() => setModal(undefined)} />
      )}
      {modal === 'account' && <CreateAccount onDone={done} onDismiss={() => setModal(undefined)} />}
      {modal === 'move' && node && (
        <MoveAccount account={node} targets={all.filter(({ kind }) => kind !== 'account')} onDone={done} onDismiss={() => setModal(undefined)} />
      )}
    </SpaceBetween>
  )
}

interface BranchProps {
  node: Node
  chosen: string | undefined
  management: string
  onChoose: (node: Node) => void
}

function Branch({ node, chosen, management, onChoose }: BranchProps) {
  return (
    <div>
      <SpaceBetween direction="horizontal" size="xs">
        <Button variant="inline-link" onClick={() => onChoose(node)}>
          {node.name || node.id}
        </Button>
        {node.name && <code className="craton-secret">{node.id}</code>}
        {node.kind === 'unit' && <Badge>Unit</Badge>}
        {node.id === management && <Badge color="blue">Management</Badge>}
        {node.id === chosen && <Badge color="green">Shown below</Badge>}
      </SpaceBetween>
      {node.children.length > 0 && (
        <ul className="craton-tree">
          {node.children.map((child) => (
            <li key={child.id}>
              <Branch node={child} chosen={chosen} management={management} onChoose={onChoose} />
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

function flatten(node: Node): Node[] {
  return [node, ...node.children.flatMap(flatten)]
}

interface NameProps {
  title: string
  label: string
  act: (name: string) => Promise<void>
  onDone: () => void
  onDismiss: () => void
}

function NameModal({ title, label, act, onDone, onDismiss }: NameProps) {
  const [name, setName] = useState('')
  const run = useAction(async () => {
    await act(name.trim())
    onDone()
  })
  return (
    <ConfirmModal title={title} confirmLabel="Create" busy={run.busy} error={run.error} disabled={name.trim() === ''} onConfirm={() => void run.run()} onDismiss={onDismiss}>
      <FormField label={label}>
        <Input value={name} onChange={({ detail }) => setName(detail.value)} />
      </FormField>
    </ConfirmModal>
  )
}

function CreateAccount({ onDone, onDismiss }: { onDone: () => void; onDismiss: () => void }) {
  const [name, setName] = useState('')
  const [email, setEmail] = useState('')
  const create = useAction(async () => {
    await createMemberAccount(name.trim(), email.trim())
    onDone()
  })
  return (
    <ConfirmModal
      title="Create account"
      confirmLabel="Create"
      busy={create.busy}
      error={create.error}
      disabled={name.trim() === '' || !email.includes('@')}
      onConfirm={() => void create.run()}
      onDismiss={onDismiss}
    >
      <SpaceBetween size="m">
        <FormField label="Account name">
          <Input value={name} placeholder="model hosting" onChange={({ detail }) => setName(detail.value)} />
        </FormField>
        <FormField label="E-mail address" description="AWS asks for one; Craton keeps it and sends nothing.">
          <Input value={email} type="email" placeholder="hosting@example.org" onChange={({ detail }) => setEmail(detail.value)} />
        </FormField>
      </SpaceBetween>
    </ConfirmModal>
  )
}

interface MoveProps {
  account: Node
  targets: Node[]
  onDone: () => void
  onDismiss: () => void
}

function MoveAccount({ account, targets, onDone, onDismiss }: MoveProps) {
  const [target, setTarget] = useState<string>()
  const move = useAction(async () => {
    if (!target) return
    await moveAccount(account.id, target)
    onDone()
  })
  const options = targets.map(({ id, name }) => ({ value: id, label: name, description: id }))
  return (
    <ConfirmModal title={`Move ${account.name}`} confirmLabel="Move" busy={move.busy} error={move.error} disabled={!target} onConfirm={() => void move.run()} onDismiss={onDismiss}>
      <FormField label="To">
        <Select
          options={options}
          selectedOption={options.find(({ value }) => value === target) ?? null}
          placeholder="Choose a unit"
          expandToViewport
          onChange={({ detail }) => setTarget(detail.selectedOption.value)}
        />
      </FormField>
    </ConfirmModal>
  )
}
