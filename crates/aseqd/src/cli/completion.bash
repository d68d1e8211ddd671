# Completion of aseqd for bash 4.3 or later. The program itself says which words may follow.
_aseqd() {
    local rest=$COMP_LINE space word raw=() plain=() found=() n=-1 i
    # Bash splits words at colons, which names of ports have. What no space separates is one word.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        space=${rest%%[![:space:]]*}
        rest=${rest#"$space"}
        rest=${rest#"$word"}
        if [[ -z $space && $n -ge 0 ]]; then
            raw[n]+=$word
        else
            raw[++n]=$word
        fi
    done
    for word in "${raw[@]}"; do
        word=${word#[\"\']}
        plain+=("${word//\\/}")
    done
    IFS=$'\013' read -r -d '' -a found < <(
        _CLAP_IFS=$'\013' _CLAP_COMPLETE_INDEX=$n ASEQD_COMPLETE=bash \
            aseqd -- "${plain[@]}" 2>/dev/null
    )
    COMPREPLY=()
    local typed=${raw[n]} colons
    for word in "${found[@]}"; do
        # Options are for those who have begun one.
        [[ $word == -* && $typed != -* ]] && continue
        # Inside of quotes, bash takes the word as it is, and as a whole. Names are made by other programs: nothing in them
        # may end the quotes, or be a command.
        if [[ $typed == \"* ]]; then
            word=${word//\\/\\\\}
            word=${word//\"/\\\"}
            word=${word//\$/\\\$}
            word=${word//\`/\\\`}
        elif [[ $typed == \'* ]]; then
            word=${word//\'/\'\\\'\'}
        else
            printf -v word %q "$word"
            if [[ $COMP_WORDBREAKS == *:* ]]; then
                # What is before the last colon stays as it was typed.
                colons=${typed//[!:]/}
                while [[ -n $colons ]]; do
                    word=${word#*:}
                    colons=${colons#:}
                done
            fi
        fi
        COMPREPLY+=("$word")
    done
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=/:] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o bashdefault -o nosort -F _aseqd aseqd 2>/dev/null || complete -o bashdefault -F _aseqd aseqd
