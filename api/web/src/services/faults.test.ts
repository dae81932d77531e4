import { describe, expect, it } from 'vitest';
import { ApiProblem } from '../api/problem';
import { cookieRow, draftOf, type Draft } from './draft';
import { faultsOf, refusedField } from './faults';

const right = (): Draft => ({ ...draftOf(null, 'en'), name: 'Helpdesk', slug: 'helpdesk' });
const cookie = (name: string, more = {}) => ({ ...cookieRow(null, 'en'), name, ...more });
const fields = (more: Partial<Draft>, taken: string[] = []) => Object.keys(faultsOf({ ...right(), ...more }, new Set(taken)));

describe('what is wrong with an entry', () => {
  it('is nothing where name and key are there', () => expect(fields({})).toEqual([]));

  it.each<[string, Partial<Draft>, string]>([
    ['no name', { name: ' ' }, 'name'],
    ['a key with capitals', { slug: 'Helpdesk' }, 'slug'],
    ['an address without https', { policyUrl: 'www.example.org' }, 'policy_url'],
    ['an address for a host', { domains: 'chat.example\nhttps://cdn.example' }, 'domains'],
    ['a vendor beyond the list', { iabVendor: '70000' }, 'iab_vendor'],
    ['a country of nobody', { country: 'FR' }, 'operator'],
    ['a cookie with a blank', { cookies: [cookie('a'), cookie('b c')] }, 'cookies.1.name'],
    ['a cookie that is every cookie', { cookies: [cookie('*')] }, 'cookies.0.name'],
    ['a cookie twice', { cookies: [cookie('a'), cookie('a')] }, 'cookies.1.name'],
    ['a purpose without a cookie', { cookies: [cookie('', { purpose: 'Knows.' })] }, 'cookies.0.name'],
    ['no number of months', { cookies: [cookie('a', { lifetime: 'P_M' })] }, 'cookies.0.duration'],
  ])('%s', (_, more, field) => expect(fields(more)).toEqual([field]));

  it('is a key that another has', () => expect(fields({}, ['helpdesk'])).toEqual(['slug']));
});

describe('what the server refuses', () => {
  const refused = (at: string | null, more: Partial<Draft> = {}) =>
    refusedField(new ApiProblem(422, '', 'why', 'invalid_value', null, at), { ...right(), ...more });

  it('stands beside its field', () => {
    expect(refused('/policy_url')).toEqual({ policy_url: 'why' });
    expect(refused('/operator/country')).toEqual({ operator: 'why' });
    expect(refused('/domains/1')).toEqual({ domains: 'why' });
    expect(refused('/legal_basis/gdpr_basis')).toEqual({ legal_basis: 'why' });
  });

  it('counts the rows that were sent', () => {
    const cookies = [cookie(''), cookie('a'), cookie('b')];
    expect(refused('/cookies/1/duration', { cookies })).toEqual({ 'cookies.2.duration': 'why' });
    expect(refused('/cookies/0/match', { cookies })).toEqual({ 'cookies.1.name': 'why' });
  });

  it('is said of the whole where no field is shown', () => {
    expect(refused('/dpia/advice')).toEqual({});
    expect(refused(null)).toEqual({});
  });
});
