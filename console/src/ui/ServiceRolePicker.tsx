import Autosuggest from '@cloudscape-design/components/autosuggest'
import Container from '@cloudscape-design/components/container'
import FormField from '@cloudscape-design/components/form-field'
import Header from '@cloudscape-design/components/header'
import Input from '@cloudscape-design/components/input'
import RadioGroup from '@cloudscape-design/components/radio-group'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { listRoles } from '../api/permissions.ts'
import { useSession } from '../shell/SessionContext.tsx'
import { useLoad } from './useLoad.ts'

/** Which role a service takes on: one that is made, or one of the account's own. */
export interface ServiceRole {
  ownRole: boolean
  roleArn: string
  newRole: string
}

interface Props {
  title: string
  /** What is done as the role. */
  description: string
  /** What a role that is made may do. */
  rights: string
  /** The name of a role as an example. */
  example: string
  role: ServiceRole
  faults: { roleArn?: string | undefined; newRole?: string | undefined }
  onChange: (changed: Partial<ServiceRole>) => void
}

/** The choice of the role that a service works as. */
export function ServiceRolePicker({ title, description, rights, example, role, faults, onChange }: Props) {
  const { account } = useSession()
  const roles = useLoad(listRoles)
  return (
    <Container header={<Header variant="h2" description={description}>{title}</Header>}>
      <SpaceBetween size="m">
        <FormField label="Runtime role" stretch>
          <RadioGroup
            value={role.ownRole ? 'own' : 'new'}
            items={[
              { value: 'new', label: 'Create and use a new service role', description: rights },
              { value: 'own', label: 'Use an existing service role', description: 'It trusts bedrock.amazonaws.com, and you may pass it.' },
            ]}
            onChange={({ detail }) => onChange({ ownRole: detail.value === 'own' })}
          />
        </FormField>
        {role.ownRole ? (
          <FormField label="Service role" errorText={faults.roleArn} stretch>
            <Autosuggest
              ariaLabel="Service role"
              value={role.roleArn}
              enteredTextLabel={(value) => `Use ${value}`}
              placeholder={`arn:aws:iam::${account}:role/${example}`}
              options={(roles.value ?? []).map(({ arn, name }) => ({ value: arn, label: arn, description: name }))}
              empty={roles.loading ? 'Looking for roles' : 'No role matches'}
              onChange={({ detail }) => onChange({ roleArn: detail.value })}
            />
          </FormField>
        ) : (
          <FormField label="Service role name" errorText={faults.newRole} stretch>
            <Input value={role.newRole} spellcheck={false} onChange={({ detail }) => onChange({ newRole: detail.value })} />
          </FormField>
        )}
      </SpaceBetween>
    </Container>
  )
}
